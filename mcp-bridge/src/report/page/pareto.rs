//! The Pareto front as a drawing: what the indexes take against what the workload then costs.

use maud::{Markup, html};

use super::format;
use crate::report::model::{Advice, Point};
use crate::tools::text;

/// The drawing's own units.
const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 300.0;

/// Room for the axes and what is written at them.
const LEFT: f64 = 52.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 46.0;

/// About how many marks an axis has.
const TICKS: f64 = 5.0;

/// From values to places: linear, from nought.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Scale {
    most: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// `most` is where the axis ends; nought and what is no number count as one.
    fn new(most: f64, from: f64, to: f64) -> Self {
        Self { most: if most.is_finite() && most > 0.0 { most } else { 1.0 }, from, to }
    }

    fn at(self, value: f64) -> f64 {
        self.from + (self.to - self.from) * (value / self.most).clamp(0.0, 1.0)
    }
}

/// The distance of an axis's marks: one, two or five times a power of ten.
fn step(most: f64) -> f64 {
    let rough = most / TICKS;
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|n| n * power)
        .find(|step| *step >= rough)
        .unwrap_or(10.0 * power)
}

/// The marks of an axis that ends at `most`.
fn ticks(most: f64) -> Vec<f64> {
    if !most.is_finite() || most <= 0.0 {
        return vec![0.0];
    }
    let step = step(most);
    // Half a step more than there is room for never comes.
    (0..=20).map(|n| f64::from(n) * step).take_while(|tick| *tick <= most * 1.000_001).collect()
}

/// The unit that sizes up to `most` are written in, and its bytes.
fn unit(most: f64) -> (&'static str, f64) {
    const UNITS: [(&str, f64); 4] = [
        ("TB", 1_099_511_627_776.0),
        ("GB", 1_073_741_824.0),
        ("MB", 1_048_576.0),
        ("kB", 1_024.0),
    ];
    UNITS.into_iter().find(|(_, bytes)| most >= *bytes).unwrap_or(("bytes", 1.0))
}

/// Whether the advice is this point of the front.
pub(super) fn is_chosen(advice: &Advice, point: &Point) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * a.abs().max(b.abs());
    near(point.index_bytes, advice.index_bytes) && near(point.cost, advice.cost_after)
}

/// The points as they are drawn: the front, and the advice when it is none of them.
pub(super) fn points(advice: &Advice) -> Vec<(Point, bool)> {
    let mut points: Vec<(Point, bool)> =
        advice.pareto_front.iter().map(|point| (point.clone(), is_chosen(advice, point))).collect();
    if !advice.indexes.is_empty() && !points.iter().any(|(_, is_chosen)| *is_chosen) {
        let own = Point {
            index_bytes: advice.index_bytes,
            cost: advice.cost_after,
            indexes: advice.indexes.iter().map(|index| index.id.clone()).collect(),
            ddl: advice.indexes.iter().map(|index| index.ddl.clone()).collect(),
            knee: false,
        };
        points.push((own, true));
    }
    points.sort_by(|(a, _), (b, _)| a.index_bytes.total_cmp(&b.index_bytes));
    points
}

/// The drawing; the table beside it says the same.
pub(super) fn drawing(advice: &Advice) -> Markup {
    let points = points(advice);
    let most = points.iter().map(|(point, _)| point.index_bytes).fold(0.0, f64::max);
    let x = Scale::new(most * 1.04, LEFT, WIDTH - RIGHT);
    let y = Scale::new(1.0, HEIGHT - BOTTOM, TOP);
    let relative = |point: &Point| {
        if advice.cost_before > 0.0 { point.cost / advice.cost_before } else { 1.0 }
    };
    let place = |point: &Point| (x.at(point.index_bytes), y.at(relative(point)));
    let front: Vec<(f64, f64)> = points
        .iter()
        .filter(|(point, _)| advice.pareto_front.contains(point))
        .map(|(point, _)| place(point))
        .collect();
    html! {
        svg.pareto viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-labelledby="pareto-title pareto-text" {
            title #pareto-title { "Size of the indexes against recorded time" }
            desc #pareto-text { "Each point is a set of indexes that no other beats in both. The same figures are in the table." }
            (axes(x, y, most))
            path.front d=(stairs(&front)) {}
            // The advised one last, over those beside it.
            @for wanted in [false, true] {
                @for (point, is_chosen) in points.iter().filter(|(_, chosen)| *chosen == wanted) {
                    (mark(place(point), *is_chosen, point, relative(point)))
                }
            }
        }
    }
}

fn axes(x: Scale, y: Scale, most: f64) -> Markup {
    let (unit, bytes) = unit(most);
    let bottom = HEIGHT - BOTTOM;
    html! {
        g.axis {
            @for tick in ticks(1.0) {
                line x1=(n(LEFT)) x2=(n(WIDTH - RIGHT)) y1=(n(y.at(tick))) y2=(n(y.at(tick))) {}
                text x=(n(LEFT - 8.0)) y=(n(y.at(tick) + 4.0)) text-anchor="end" { (format::percent(tick)) }
            }
            @for tick in ticks(most / bytes) {
                text x=(n(x.at(tick * bytes))) y=(n(bottom + 18.0)) text-anchor="middle" { (format::figure(tick)) }
            }
            text.name x=(n(WIDTH - RIGHT)) y=(n(HEIGHT - 8.0)) text-anchor="end" { "size of the indexes, " (unit) }
            text.name x=(n(LEFT)) y="14" { "recorded time, of today's" }
        }
    }
}

/// The front's edge: a cost holds until an index more is paid for.
fn stairs(front: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (at, (x, y)) in front.iter().enumerate() {
        if at == 0 {
            path = format!("M{} {}", n(*x), n(*y));
        } else {
            path.push_str(&format!("H{}V{}", n(*x), n(*y)));
        }
    }
    if !path.is_empty() {
        path.push_str(&format!("H{}", n(WIDTH - RIGHT)));
    }
    path
}

fn mark((x, y): (f64, f64), is_chosen: bool, point: &Point, relative: f64) -> Markup {
    let told = format!(
        "{}{}{}, {}: {} of the time",
        if is_chosen { "advised: " } else { "" },
        if point.knee { "knee: " } else { "" },
        text::count(point.indexes.len() as u64, "index"),
        format::bytes(point.index_bytes),
        format::percent(relative),
    );
    // Beside the point, on the side with more room.
    let (side, anchor) = if x > WIDTH / 2.0 { (-12.0, "end") } else { (12.0, "start") };
    html! {
        @if is_chosen {
            circle.ring cx=(n(x)) cy=(n(y)) r="9" {}
            text.chosen x=(n(x + side)) y=(n(y - 10.0)) text-anchor=(anchor) { "advised" }
        } @else if point.knee {
            text x=(n(x + side)) y=(n(y - 10.0)) text-anchor=(anchor) { "knee" }
        }
        circle.point.chosen[is_chosen] cx=(n(x)) cy=(n(y)) r="4.5" { title { (told) } }
    }
}

/// A place with one digit: more cannot be seen.
fn n(place: f64) -> String {
    format!("{place:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::Index;

    #[test]
    fn a_scale_keeps_within_its_ends() {
        let scale = Scale::new(10.0, 100.0, 0.0);
        assert_eq!(
            [0.0, 5.0, 10.0, 20.0, -1.0].map(|v| scale.at(v)),
            [100.0, 50.0, 0.0, 0.0, 100.0]
        );
        for most in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Scale::new(most, 0.0, 1.0).at(0.5), 0.5);
        }
    }

    #[test]
    fn marks_are_round_numbers() {
        assert_eq!(ticks(1.0), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks(4.4), [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(ticks(930.0), [0.0, 200.0, 400.0, 600.0, 800.0]);
        for most in [0.0, f64::NAN, f64::INFINITY] {
            assert_eq!(ticks(most), [0.0]);
        }
    }

    #[test]
    fn the_advice_is_marked_once() {
        let point = |index_bytes: f64, cost: f64| Point { index_bytes, cost, ..Point::default() };
        let mut advice = Advice {
            cost_before: 100.0,
            cost_after: 40.0,
            index_bytes: 2_000_000.0,
            indexes: vec![Index::default()],
            pareto_front: vec![point(0.0, 100.0), point(2_000_000.0, 40.0), point(3e6, 30.0)],
            ..Advice::default()
        };
        let chosen = |advice: &Advice| points(advice).iter().filter(|(_, chosen)| *chosen).count();
        assert_eq!((points(&advice).len(), chosen(&advice)), (3, 1));
        advice.cost_after = 41.0;
        assert_eq!((points(&advice).len(), chosen(&advice)), (4, 1));
        let drawing = drawing(&advice).into_string();
        assert_eq!(drawing.matches("class=\"point").count(), 4);
        assert_eq!(drawing.matches(">advised<").count(), 1);
        assert!(!drawing.contains("NaN") && !drawing.contains("inf"), "{drawing}");
    }

    #[test]
    fn no_front_is_drawn_without_nonsense() {
        let drawing = drawing(&Advice::default()).into_string();
        assert!(drawing.contains("d=\"\"") && !drawing.contains("NaN"), "{drawing}");
    }

    #[test]
    fn sizes_have_one_unit() {
        assert_eq!(unit(4_358_144.0), ("MB", 1_048_576.0));
        assert_eq!(unit(0.0), ("bytes", 1.0));
    }
}
