//! The Pareto front as characters, for a terminal of 80 columns.

use crate::program::megabytes;
use crate::report::Point;

/// Columns and lines of the plot itself, and columns of what is written beside it.
const WIDTH: usize = 66;
const HEIGHT: usize = 16;
const MARGIN: usize = 8;
/// Lines between two figures at the left.
const TICK: usize = 4;

/// What the workload costs, of today's cost, over the size of the indexes. Points are `o`, the knee
/// is `K`, the advice `A`, where both are one `A`. Empty with fewer than two points.
#[must_use]
pub fn front(points: &[Point], cost_before: f64) -> Vec<String> {
    let most = points.iter().map(|point| point.index_bytes).fold(0.0, f64::max);
    if points.len() < 2 || most <= 0.0 || cost_before <= 0.0 {
        return Vec::new();
    }
    let place = |point: &Point| {
        let (x, y) = (point.index_bytes / most, 1.0 - point.cost / cost_before);
        let at = |share: f64, cells: usize| (share.clamp(0.0, 1.0) * (cells - 1) as f64).round();
        (at(x, WIDTH) as usize, at(y, HEIGHT) as usize)
    };
    let mut cells = vec![vec![' '; WIDTH]; HEIGHT];
    for pair in points.windows(2) {
        step(&mut cells, place(&pair[0]), place(&pair[1]));
    }
    // Marks last, the advice over all others.
    for wanted in [' ', 'K', 'A'] {
        for point in points.iter().filter(|point| mark(point) == wanted) {
            let (x, y) = place(point);
            cells[y][x] = if wanted == ' ' { 'o' } else { wanted };
        }
    }
    let mut lines: Vec<String> =
        cells.iter().enumerate().map(|(at, cells)| line(at, cells)).collect();
    lines.push(format!("{:>MARGIN$}└{}", "", "─".repeat(WIDTH)));
    let width = WIDTH - 2;
    lines.push(format!("{:>MARGIN$} 0{:>width$}", "", megabytes(most)));
    lines.push(format!(
        "{:>MARGIN$} size of the indexes over cost, of today's; A advised, K knee",
        ""
    ));
    lines
}

fn mark(point: &Point) -> char {
    match (point.advised, point.knee) {
        (true, _) => 'A',
        (false, true) => 'K',
        (false, false) => ' ',
    }
}

/// A cost holds until an index more is paid for.
fn step(cells: &mut [Vec<char>], from: (usize, usize), to: (usize, usize)) {
    cells[from.1][from.0..to.0.max(from.0)].fill('─');
    if from.1 < to.1 {
        cells[from.1][to.0] = '┐';
        for line in cells.iter_mut().take(to.1).skip(from.1 + 1) {
            line[to.0] = '│';
        }
        if cells[to.1][to.0] == ' ' {
            cells[to.1][to.0] = '└';
        }
    }
}

fn line(at: usize, cells: &[char]) -> String {
    let is_tick = at.is_multiple_of(TICK) || at + 1 == HEIGHT;
    let share = 1.0 - at as f64 / (HEIGHT - 1) as f64;
    let label = if is_tick { format!("{:.0} %", share * 100.0) } else { String::new() };
    let edge = if is_tick { '┤' } else { '│' };
    let text: String = cells.iter().collect();
    format!("{label:>MARGIN$}{edge}{}", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(index_bytes: f64, cost: f64) -> Point {
        Point { index_bytes, cost, ddl: Vec::new(), knee: false, advised: false, planned: true }
    }

    #[test]
    fn nothing_to_choose_from_is_not_drawn() {
        assert!(front(&[], 1.0).is_empty());
        assert!(front(&[point(0.0, 1.0)], 1.0).is_empty());
        assert!(front(&[point(0.0, 1.0), point(0.0, 1.0)], 1.0).is_empty());
        assert!(front(&[point(0.0, 1.0), point(1.0, 1.0)], 0.0).is_empty());
    }

    #[test]
    fn the_plot_fits_a_terminal_and_marks_each_point() {
        let mut points: Vec<Point> = [(0.0, 100.0), (1e6, 60.0), (4e6, 30.0), (1e7, 25.0)]
            .map(|(bytes, cost)| point(bytes, cost))
            .into();
        points[1].knee = true;
        points[2].advised = true;
        let lines = front(&points, 100.0);
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
        let plot = lines[..HEIGHT].join("\n");
        for (mark, count) in [('A', 1), ('K', 1), ('o', 2)] {
            assert_eq!(plot.matches(mark).count(), count, "{mark} in\n{plot}");
        }
        // The present cost is at the top left, the lowest to the right of and below the advice.
        assert!(lines[0].contains("100 %┤o"), "{plot}");
        let row = |mark: char| lines.iter().position(|line| line.contains(mark));
        assert!(row('K') < row('A'), "{plot}");
    }

    #[test]
    fn costs_beyond_the_frame_stay_in_it() {
        let lines = front(&[point(0.0, 300.0), point(5.0, -1.0)], 100.0);
        assert_eq!(lines.len(), HEIGHT + 3);
    }
}
