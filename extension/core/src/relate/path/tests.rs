use proptest::prelude::*;

use super::*;
use crate::relate::{ForeignKey, Origin};

fn edge(from: usize, to: usize, column: i16, is_declared: bool) -> Relationship {
    let origin = if is_declared {
        Origin::Declared(ForeignKey {
            name: format!("f{column}"),
            on_update: "NO ACTION".into(),
            on_delete: "NO ACTION".into(),
            deferrable: "not deferrable".into(),
            validated: true,
        })
    } else {
        Origin::Inferred("its name".into())
    };
    Relationship { from, from_columns: vec![column], to, to_columns: vec![1], origin }
}

fn plain(edges: &[Relationship]) -> Vec<Traits> {
    vec![Traits { one_to_one: false, optional: false, indexed: true }; edges.len()]
}

fn found(tables: usize, edges: &[Relationship], ends: (usize, usize), most: usize) -> Found {
    Graph::new(tables, edges, &plain(edges)).paths(ends.0, ends.1, most, &mut || {})
}

fn numbers(paths: &[Vec<Hop>]) -> Vec<Vec<usize>> {
    paths.iter().map(|path| path.iter().map(|hop| hop.relationship).collect()).collect()
}

#[test]
fn shorter_then_declared_then_others() {
    // 0 -> 1 -> 3 declared, 0 -> 2 -> 3 with a conclusion, 0 -> 3 concluded.
    let edges = [
        edge(0, 2, 2, false),
        edge(2, 3, 2, true),
        edge(0, 1, 3, true),
        edge(1, 3, 2, true),
        edge(0, 3, 4, false),
    ];
    let paths = found(4, &edges, (0, 3), 5);
    assert_eq!(numbers(&paths.paths), [vec![4], vec![2, 3], vec![0, 1]]);
    assert!(!paths.cut);
    assert!(paths.paths[0][0].forward);
    let back = found(4, &edges, (3, 0), 1);
    assert_eq!(numbers(&back.paths), [vec![4]]);
    assert!(!back.paths[0][0].forward);
}

#[test]
fn two_keys_between_two_tables_are_two_paths() {
    let edges = [edge(0, 1, 2, true), edge(0, 1, 3, true), edge(0, 1, 3, true)];
    assert_eq!(numbers(&found(2, &edges, (0, 1), 9).paths), [vec![0], vec![1]]);
    // And one way from the referenced table back to itself.
    assert_eq!(numbers(&found(2, &edges, (1, 1), 9).paths), [vec![0, 1], vec![1, 0]]);
}

#[test]
fn a_junction_is_better_than_a_shared_parent() {
    // 0 and 1 refer to 2; 3 refers to 0 and 1.
    let edges =
        [edge(0, 2, 2, true), edge(1, 2, 2, true), edge(3, 0, 2, true), edge(3, 1, 3, true)];
    assert_eq!(numbers(&found(4, &edges, (0, 1), 9).paths), [vec![2, 3], vec![0, 1]]);
}

#[test]
fn a_self_reference_joins_a_table_with_itself() {
    let edges = [edge(0, 0, 2, true), edge(0, 1, 3, true)];
    assert_eq!(numbers(&found(2, &edges, (0, 0), 9).paths), [vec![0]]);
    assert_eq!(found(2, &edges, (1, 1), 9), Found::default());
    assert_eq!(found(2, &edges, (1, 7), 9), Found::default());
}

#[test]
fn nothing_is_farther_than_the_most() {
    let chain: Vec<Relationship> = (0..10).map(|n| edge(n, n + 1, 2, true)).collect();
    assert_eq!(found(11, &chain, (0, MOST_HOPS), 9).paths.len(), 1);
    assert_eq!(found(11, &chain, (0, MOST_HOPS + 1), 9), Found::default());
}

#[test]
fn work_is_bounded_where_everything_refers_to_everything() {
    let size = 300;
    let mut edges = Vec::new();
    for from in 0..size {
        edges.extend((0..size).filter(|to| *to != from).map(|to| edge(from, to, to as i16, true)));
    }
    let traits = plain(&edges);
    let graph = Graph::new(size, &edges, &traits);
    let mut asked = 0;
    let paths = graph.paths(0, 1, usize::MAX, &mut || asked += 1);
    assert!(paths.cut);
    assert!(asked <= MOST_STEPS / STEPS_BETWEEN + 10, "{asked}");
    assert_eq!(graph.paths(0, 1, 2, &mut || {}).paths.len(), 2);
}

#[test]
fn ten_thousand_tables_around_a_hub() {
    let size = 10_000;
    // Each refers to the hub and to its neighbour.
    let mut edges: Vec<Relationship> = (1..size).map(|n| edge(n, 0, 2, true)).collect();
    edges.extend((1..size - 1).map(|n| edge(n, n + 1, 3, true)));
    let traits = plain(&edges);
    let graph = Graph::new(size, &edges, &traits);
    let paths = graph.paths(17, 4711, 3, &mut || {});
    // Over the hub, and over a neighbour of one end and the hub.
    assert_eq!(paths.paths.iter().map(Vec::len).collect::<Vec<_>>(), [2, 3, 3]);
}

/// All chains up to a length, one after the other, without any cleverness.
fn all_simple(edges: &[Relationship], from: usize, to: usize, most: usize) -> Vec<Vec<usize>> {
    let mut done = Vec::new();
    let mut open = vec![(from, vec![from], Vec::new())];
    while let Some((at, visited, chain)) = open.pop() {
        for (number, one) in edges.iter().enumerate() {
            let next = match (one.from == at, one.to == at) {
                (true, false) => one.to,
                (false, true) => one.from,
                _ => continue,
            };
            let chain: Vec<usize> = chain.iter().copied().chain([number]).collect();
            if next == to {
                done.push(chain);
            } else if !visited.contains(&next) && chain.len() < most {
                let visited = visited.iter().copied().chain([next]).collect();
                open.push((next, visited, chain));
            }
        }
    }
    done
}

proptest! {
    #[test]
    fn paths_are_the_shortest_simple_ones(
        ends in prop::collection::vec((0_usize..6, 0_usize..6, any::<bool>()), 0..10),
        most in 1_usize..6,
    ) {
        let edges: Vec<Relationship> = ends
            .iter()
            .enumerate()
            .map(|(n, &(from, to, is_declared))| edge(from, to, n as i16 + 2, is_declared))
            .collect();
        let paths = found(6, &edges, (0, 5), most);
        let mut all = all_simple(&edges, 0, 5, MOST_HOPS);
        let shortest = all.iter().map(Vec::len).min();
        all.retain(|chain| Some(chain.len()) <= shortest.map(|length| length + LONGER));
        let concluded = |chain: &Vec<usize>| {
            chain.iter().filter(|&&n| !edges[n].is_declared()).count()
        };
        all.sort_by_key(|chain| (chain.len(), concluded(chain)));
        let given = numbers(&paths.paths);
        prop_assert_eq!(given.len(), all.len().min(most));
        for (one, best) in given.iter().zip(&all) {
            prop_assert!(all.contains(one));
            prop_assert_eq!((one.len(), concluded(one)), (best.len(), concluded(best)));
        }
        let distinct: HashSet<_> = given.iter().collect();
        prop_assert_eq!(distinct.len(), given.len());
    }
}
