//! The first classes of [`super::job`]; the others are in `job_classes_more.rs`.

/// Statements that join the same relations.
pub(super) struct Class {
    /// Aliases with a space between.
    pub(super) relations: &'static str,
    /// Conditions that all variants have.
    pub(super) conditions: &'static [&'static str],
    /// Further conditions of each.
    pub(super) variants: &'static [&'static [&'static str]],
}

/// Selective conditions on small tables, skewed and correlated ones on large tables, prefixes, infixes,
/// ranges and lists.
pub(super) const FIRST: [Class; 17] = [
    Class {
        relations: "t mc ct mx it2",
        conditions: &["ct.kind = 'production companies'"],
        variants: &[
            &["it2.info = 'top 250 rank'", "mc.note like '%(co-production)%'"],
            &["it2.info = 'bottom 10 rank'", "t.production_year between 2005 and 2010"],
            &[
                "it2.info = 'top 250 rank'",
                "mc.note like '%(presents)%'",
                "t.production_year > 2010",
            ],
            &["it2.info = 'bottom 10 rank'", "t.production_year > 2000"],
        ],
    },
    Class {
        relations: "t mc cn mk k",
        conditions: &["k.keyword = 'character-name-in-title'"],
        variants: &[
            &["cn.country_code = '[de]'"],
            &["cn.country_code = '[nl]'"],
            &["cn.country_code = '[se]'"],
            &["cn.country_code = '[us]'"],
        ],
    },
    Class {
        relations: "t mk k",
        conditions: &["k.keyword like '%sequel%'"],
        variants: &[
            &["t.production_year > 2005"],
            &["t.production_year > 2010", "t.title like 'Champion%'"],
            &["t.production_year > 1990"],
        ],
    },
    Class {
        relations: "t mk k mx it2",
        conditions: &["it2.info = 'rating'", "k.keyword like '%sequel%'"],
        variants: &[
            &["mx.info > '5.0'", "t.production_year > 2005"],
            &["mx.info > '9.0'", "t.production_year > 2010"],
            &["mx.info > '2.0'", "t.production_year > 1990"],
        ],
    },
    Class {
        relations: "t mc ct mi it1",
        conditions: &["ct.kind = 'production companies'", "mc.note like '%(TV)%'"],
        variants: &[
            &["mi.info in ('Sweden', 'Germany', 'Swedish', 'German')", "t.production_year > 2005"],
            &["mi.info in ('USA')", "mc.note like '%(USA)%'", "t.production_year > 2010"],
            &["mi.info in ('Drama', 'Horror', 'USA')", "t.production_year > 1990"],
        ],
    },
    Class {
        relations: "t mk k ci n",
        conditions: &[],
        variants: &[
            &["k.keyword = 'marvel-cinematic-universe'", "n.name like '%Robert%'"],
            &["k.keyword in ('superhero', 'sequel', 'fight')", "n.name like 'Iron%'"],
            &["k.keyword = 'marvel-cinematic-universe'", "t.production_year > 2011"],
            &[
                "k.keyword in ('superhero', 'violence')",
                "t.production_year > 2008",
                "n.gender = 'm'",
            ],
            &["k.keyword = 'magnet'", "n.name like '%Angela%'"],
            &[
                "k.keyword in ('superhero', 'sequel', 'revenge', 'hero')",
                "t.production_year > 2000",
            ],
        ],
    },
    Class {
        relations: "t ci n an pi it3 ml lt",
        conditions: &["it3.info = 'mini biography'", "lt.link = 'features'"],
        variants: &[
            &["n.name_pcode_cf like 'D%'", "n.gender = 'm'", "pi.note = 'Volker Boehm'"],
            &["n.name_pcode_cf like 'D%'", "pi.note = 'Volker Boehm'", "an.name like '%a%'"],
            &["n.name_pcode_cf between 'A' and 'F'", "t.production_year between 1980 and 2010"],
        ],
    },
    Class {
        relations: "t ci n an rt mc cn",
        conditions: &[],
        variants: &[
            &[
                "ci.note = '(voice: English version)'",
                "cn.country_code = '[jp]'",
                "rt.role = 'actress'",
            ],
            &[
                "ci.note = '(voice: English version)'",
                "cn.country_code = '[jp]'",
                "t.production_year between 2006 and 2007",
            ],
            &["cn.country_code = '[us]'", "rt.role = 'writer'"],
            &["cn.country_code = '[us]'", "rt.role = 'costume designer'"],
        ],
    },
    Class {
        relations: "t ci n an chn rt mc cn",
        conditions: &["cn.country_code = '[us]'", "n.gender = 'f'", "rt.role = 'actress'"],
        variants: &[
            &[
                "ci.note = '(voice)'",
                "n.name like '%Angela%'",
                "t.production_year between 2005 and 2010",
            ],
            &["ci.note = '(voice)'", "mc.note like '%(presents)%'", "t.production_year > 2007"],
            &["ci.note in ('(voice)', '(voice: English version)')", "n.name like '%An%'"],
            &["ci.note in ('(voice)', '(voice: English version)')"],
        ],
    },
    Class {
        relations: "t ci chn rt mc cn ct",
        conditions: &[],
        variants: &[
            &[
                "ci.note like '%(voice)%'",
                "ci.note like '%(uncredited)%'",
                "cn.country_code = '[de]'",
            ],
            &["ci.note like '%(producer)%'", "cn.country_code = '[de]'", "rt.role = 'actor'"],
            &[
                "ci.note like '%(producer)%'",
                "cn.country_code = '[us]'",
                "t.production_year > 1990",
            ],
        ],
    },
    Class {
        relations: "t mk k mc cn ct ml lt",
        conditions: &["cn.country_code <> '[nl]'", "ct.kind = 'production companies'"],
        variants: &[
            &[
                "cn.name like '%Film%'",
                "k.keyword = 'sequel'",
                "lt.link like '%follow%'",
                "mc.note is null",
            ],
            &["cn.name like '%Warner%'", "lt.link like '%follows%'", "t.production_year = 1998"],
            &["k.keyword in ('sequel', 'revenge', 'based-on-novel')", "mc.note is not null"],
            &["k.keyword in ('sequel', 'revenge', 'based-on-novel')", "t.production_year > 1950"],
        ],
    },
    Class {
        relations: "t mc cn ct mi it1 mx it2",
        conditions: &["cn.country_code = '[us]'", "ct.kind = 'production companies'"],
        variants: &[
            &[
                "it1.info = 'genres'",
                "it2.info = 'rating'",
                "mi.info in ('Drama', 'Horror')",
                "mx.info > '8.0'",
                "t.production_year between 2005 and 2008",
            ],
            &["it1.info = 'budget'", "it2.info = 'bottom 10 rank'", "t.production_year > 2000"],
            &[
                "it1.info = 'genres'",
                "it2.info = 'rating'",
                "mi.info in ('Drama', 'Western')",
                "mx.info > '7.0'",
            ],
        ],
    },
    Class {
        relations: "t kt mc cn ct mi it1 mx it2",
        conditions: &[
            "it1.info = 'release dates'",
            "it2.info = 'rating'",
            "ct.kind = 'production companies'",
        ],
        variants: &[
            &["cn.country_code = '[de]'", "kt.kind = 'movie'"],
            &["cn.country_code = '[us]'", "kt.kind = 'movie'", "t.title like '%Champion%'"],
            &["cn.country_code = '[us]'", "kt.kind = 'movie'", "t.title like 'Champion%'"],
            &["cn.country_code = '[us]'", "kt.kind = 'movie'"],
        ],
    },
    Class {
        relations: "t kt mk k mi it1 mx it2",
        conditions: &["it1.info = 'countries'", "it2.info = 'rating'"],
        variants: &[
            &[
                "k.keyword in ('murder', 'blood', 'violence')",
                "kt.kind = 'movie'",
                "mi.info in ('Sweden', 'Germany')",
                "mx.info < '8.5'",
                "t.production_year > 2010",
            ],
            &[
                "k.keyword in ('murder', 'revenge')",
                "kt.kind = 'movie'",
                "t.title like '%Murder%'",
                "mx.info > '6.0'",
            ],
            &[
                "k.keyword in ('murder', 'blood')",
                "kt.kind in ('movie', 'episode')",
                "mx.info < '8.5'",
            ],
        ],
    },
    Class {
        relations: "t at mk k mc cn ct mi it1",
        conditions: &["it1.info = 'release dates'", "cn.country_code = '[us]'"],
        variants: &[
            &["mc.note like '%(200%)%'", "mi.note like '%internet%'", "mi.info like 'USA:% 200%'"],
            &[
                "cn.name like '%Warner%'",
                "mi.note like '%internet%'",
                "t.production_year between 2005 and 2010",
            ],
            &["mi.note like '%internet%'", "mi.info like 'USA:199%'", "t.production_year > 1990"],
            &["mi.note like '%internet%'", "t.production_year > 1990"],
        ],
    },
    Class {
        relations: "t mk k mc cn ci n an",
        conditions: &["k.keyword = 'character-name-in-title'", "cn.country_code = '[us]'"],
        variants: &[
            &["t.episode_nr >= 50", "t.episode_nr < 100"],
            &[],
            &["t.episode_nr < 100"],
            &["t.episode_nr >= 5", "t.episode_nr < 100"],
        ],
    },
    Class {
        relations: "t mk k mc cn ci n",
        conditions: &["k.keyword = 'character-name-in-title'"],
        variants: &[
            &["cn.country_code = '[us]'", "n.name like 'Birdemic%'"],
            &["n.name like 'Zed%'"],
            &["n.name like 'X%'"],
            &["n.name like '%Bert%'"],
            &["cn.country_code = '[us]'"],
            &["n.name like '%Barbara%'"],
        ],
    },
];
