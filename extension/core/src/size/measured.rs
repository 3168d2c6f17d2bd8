//! The size formula against indexes that PostgreSQL 15.20 built, on made-up tables.
//!
//! A line: table(keys)+(include) | rows | key columns | include columns | distinct keys |
//! `d` if deduplicated | pages | levels above the leaves. A column: average width as in
//! `pg_stats`, F(ixed), V(arying) or N(umeric), alignment in the index, share of NULLs, distinct
//! values. Distinct counts are exact, so what is left is the formula's own error.

use super::{KeyPart, PAGE_BYTES, Spread, btree_size};

const MEASURED: &str = "\
a(id) | 300000 | 4F4:0.0:300000 |  | 300000 | d | 825 | 2
a(big) | 300000 | 8F8:0.0:299941 |  | 299941 | d | 825 | 2
a(k1000) | 300000 | 4F4:0.0:1001 |  | 1001 | d | 257 | 2
a(k50k) | 300000 | 4F4:0.0:49883 |  | 49883 | d | 405 | 2
a(small) | 300000 | 2F2:0.0:4 |  | 4 | d | 257 | 2
a(flag) | 300000 | 1F1:0.0:2 |  | 2 | d | 257 | 2
a(d) | 300000 | 4F4:0.0:1501 |  | 1501 | d | 259 | 2
a(ts) | 300000 | 8F8:0.0:299954 |  | 299954 | d | 825 | 2
a(num) | 300000 | 8N1:0.0:295530 |  | 295530 | - | 1121 | 2
a(num100) | 300000 | 4N1:0.0:101 |  | 101 | - | 827 | 2
a(md) | 300000 | 33V1:0.0:300000 |  | 300000 | d | 2165 | 2
a(name) | 300000 | 8V1:0.0:5001 |  | 5001 | d | 265 | 2
a(vtext) | 300000 | 36V1:0.0:297477 |  | 297477 | d | 2156 | 2
a(status) | 300000 | 10V1:0.0:5 |  | 5 | d | 259 | 2
a(ch10) | 300000 | 11F1:0.0:26 |  | 26 | - | 1160 | 2
a(u) | 300000 | 16F1:0.0:300000 |  | 300000 | d | 1158 | 2
a(dbl) | 300000 | 8F8:0.0:300000 |  | 300000 | - | 825 | 2
a(nulluniq) | 300000 | 4F4:0.8996:30118 |  | 30119 | d | 314 | 2
a(nullfew) | 300000 | 4F4:0.4989:21 |  | 22 | d | 258 | 2
a(nulltext) | 300000 | 11V1:0.3003:129830 |  | 129831 | d | 723 | 2
a(fk) | 300000 | 11V1:0.0:150000 |  | 150000 | d | 911 | 2
a(four) | 300000 | 8F8:0.0:75001 |  | 75001 | d | 454 | 2
a(skew) | 300000 | 4F4:0.0:1001 |  | 1001 | d | 263 | 2
a(c1) | 300000 | 1F1:0.0:7 |  | 7 | d | 257 | 2
a(hex8) | 300000 | 9V1:0.0:300 |  | 300 | d | 271 | 2
a(wide) | 300000 | 164V4:0.0:300000 |  | 300000 | d | 7745 | 3
a(wdup) | 300000 | 132V4:0.0:20000 |  | 20000 | d | 687 | 2
a(ip) | 300000 | 7V1:0.0:59621 |  | 59621 | d | 435 | 2
b(part) | 1000000 | 4F4:0.0:198665 |  | 198665 | d | 1443 | 2
b(supp) | 1000000 | 4F4:0.0:10001 |  | 10001 | d | 870 | 2
b(qty) | 1000000 | 4F4:0.0:51 |  | 51 | d | 852 | 2
b(ship) | 1000000 | 4F4:0.0:2501 |  | 2501 | d | 874 | 2
b(rf) | 1000000 | 2F1:0.1634:3 |  | 4 | - | 2749 | 2
b(price) | 1000000 | 8N1:0.0:951469 |  | 951469 | - | 3732 | 2
b(ord) | 1000000 | 4F4:0.0:250001 |  | 250001 | d | 1506 | 2
b(deleted) | 1000000 | 8F8:0.9496:1 |  | 2 | d | 849 | 2
b(zipf) | 1000000 | 4F4:0.0:49028 |  | 49028 | d | 994 | 2
c(id) | 50000 | 4F4:0.0:50000 |  | 50000 | d | 139 | 1
c(name) | 50000 | 8V1:0.0:5001 |  | 5001 | d | 63 | 1
c(status) | 50000 | 10V1:0.0:5 |  | 5 | d | 45 | 1
c(vtext) | 50000 | 36V1:0.0:49915 |  | 49915 | d | 364 | 2
c(nulluniq) | 50000 | 4F4:0.9007:4963 |  | 4964 | d | 54 | 1
c(wide) | 50000 | 164V4:0.0:50000 |  | 50000 | d | 1294 | 3
c(num) | 50000 | 8N1:0.0:49890 |  | 49890 | - | 188 | 1
b(part,supp) | 1000000 | 4F4:0.0:198665 4F4:0.0:10001 |  | 999757 | d | 2745 | 2
b(supp,part) | 1000000 | 4F4:0.0:10001 4F4:0.0:198665 |  | 999757 | d | 2745 | 2
b(ord,line) | 1000000 | 4F4:0.0:250001 4F4:0.0:4 |  | 1000000 | d | 2745 | 2
b(qty,ship) | 1000000 | 4F4:0.0:51 4F4:0.0:2501 |  | 127417 | d | 1223 | 2
b(rf,ship) | 1000000 | 2F1:0.1634:3 4F4:0.0:2501 |  | 10004 | - | 2930 | 2
b(rf,deleted) | 1000000 | 2F1:0.1634:3 8F8:0.9496:1 |  | 8 | - | 3686 | 2
b(deleted,supp) | 1000000 | 8F8:0.9496:1 4F4:0.0:10001 |  | 19942 | d | 920 | 2
b(supp,price) | 1000000 | 4F4:0.0:10001 8N1:0.0:951469 |  | 999997 | - | 3853 | 2
b(rf,qty,ship) | 1000000 | 2F1:0.1634:3 4F4:0.0:51 4F4:0.0:2501 |  | 420066 | - | 3856 | 2
b(ord)+(price) | 1000000 | 4F4:0.0:250001 | 8N1:0.0:951469 | 250001 | - | 3852 | 2
b(supp)+(qty,ship) | 1000000 | 4F4:0.0:10001 | 4F4:0.0:51 4F4:0.0:2501 | 10001 | - | 3853 | 2
b(rf)+(line) | 1000000 | 2F1:0.1634:3 | 4F4:0.0:4 | 4 | - | 2929 | 2
b(ship,supp,qty) | 1000000 | 4F4:0.0:2501 4F4:0.0:10001 4F4:0.0:51 |  | 999638 | d | 3847 | 2
a(status,d) | 300000 | 10V1:0.0:5 4F4:0.0:1501 |  | 7505 | d | 281 | 2
a(name,status) | 300000 | 8V1:0.0:5001 10V1:0.0:5 |  | 24997 | d | 376 | 2
a(flag,small,k1000) | 300000 | 1F1:0.0:2 2F2:0.0:4 4F4:0.0:1001 |  | 8008 | d | 269 | 1
a(nullfew,k1000) | 300000 | 4F4:0.4989:21 4F4:0.0:1001 |  | 21960 | d | 319 | 2
a(nulltext,k50k) | 300000 | 11V1:0.3003:129830 4F4:0.0:49883 |  | 251740 | d | 1049 | 2
a(nullfew,nulluniq) | 300000 | 4F4:0.4989:21 4F4:0.8996:30118 |  | 30140 | d | 333 | 2
a(nullfew,nulltext,k50k) | 300000 | 4F4:0.4989:21 11V1:0.3003:129830 4F4:0.0:49883 |  | 283730 | d | 1358 | 2
a(small,big) | 300000 | 2F2:0.0:4 8F8:0.0:299941 |  | 299993 | d | 1158 | 2
a(ch10,id) | 300000 | 11F1:0.0:26 4F4:0.0:300000 |  | 300000 | - | 1158 | 2
a(k1000)+(status) | 300000 | 4F4:0.0:1001 | 10V1:0.0:5 | 1001 | - | 1241 | 2
a(nullfew)+(nulltext) | 300000 | 4F4:0.4989:21 | 11V1:0.3003:129830 | 22 | - | 1223 | 2
a(wdup,small) | 300000 | 132V4:0.0:20000 2F2:0.0:4 |  | 77333 | d | 1896 | 3
a(vtext,num) | 300000 | 36V1:0.0:297477 8N1:0.0:295530 |  | 300000 | - | 2537 | 2
a(num100,k50k) | 300000 | 4N1:0.0:101 4F4:0.0:49883 |  | 291267 | - | 1156 | 2
a(c1,status,hex8) | 300000 | 1F1:0.0:7 10V1:0.0:5 9V1:0.0:300 |  | 10500 | d | 303 | 2
a(status,flag) | 300000 | 10V1:0.0:5 1F1:0.0:2 |  | 10 | d | 260 | 2
a(u,ts) | 300000 | 16F1:0.0:300000 8F8:0.0:299954 |  | 300000 | d | 1488 | 2
a(hex8,ts) | 300000 | 9V1:0.0:300 8F8:0.0:299954 |  | 299999 | d | 1490 | 2
";

fn part(text: &str) -> KeyPart {
    let fields: Vec<&str> = text.split(':').collect();
    let at = fields[0].find(char::is_alphabetic).unwrap();
    let spread = match &fields[0][at..=at] {
        "F" => Spread::Fixed,
        "N" => Spread::Numeric,
        _ => Spread::Varying,
    };
    KeyPart {
        width: fields[0][..at].parse().unwrap(),
        align: fields[0][at + 1..].parse().unwrap(),
        spread,
        null_frac: fields[1].parse().unwrap(),
        n_distinct: fields[2].parse().unwrap(),
    }
}

fn parts(text: &str) -> Vec<KeyPart> {
    text.split_whitespace().map(part).collect()
}

#[test]
fn sizes_are_close_to_really_built_indexes() {
    let mut errors = Vec::new();
    for line in MEASURED.lines() {
        let f: Vec<&str> = line.split(" | ").map(str::trim).collect();
        let number = |i: usize| f[i].parse::<f64>().unwrap();
        let (keys, include) = (parts(f[2]), parts(f[3]));
        let size = btree_size(number(1), &keys, number(4), f[5] == "d", &include);
        let error = size.pages / number(6) - 1.0;
        assert_eq!(size.bytes, size.pages * PAGE_BYTES);
        assert!(error.abs() <= 0.095, "{line}: {} pages", size.pages);
        errors.push((error.abs(), f64::from(size.tree_height) == number(7)));
    }
    errors.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(errors[errors.len() / 2].0 <= 0.005, "median {}", errors[errors.len() / 2].0);
    let heights = errors.iter().filter(|error| error.1).count();
    assert!(heights * 100 >= errors.len() * 95, "{heights} of {} heights", errors.len());
}
