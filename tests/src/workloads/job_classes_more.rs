//! The other classes of [`super::job`], up to seventeen relations.

use super::job_classes::Class;

/// As those before them, with more relations.
pub(super) const MORE: [Class; 16] = [
    Class {
        relations: "t ci n mi it1 mx it2",
        conditions: &[
            "ci.note in ('(producer)', '(executive producer)', '(writer)')",
            "it2.info = 'votes'",
        ],
        variants: &[
            &["it1.info = 'budget'", "n.gender = 'm'", "n.name like '%Tim%'"],
            &[
                "it1.info = 'genres'",
                "mi.info in ('Horror', 'Thriller')",
                "n.gender = 'f'",
                "mi.note is null",
            ],
            &[
                "it1.info = 'genres'",
                "mi.info in ('Horror', 'Action', 'Sci-Fi', 'War')",
                "n.gender = 'm'",
            ],
        ],
    },
    Class {
        relations: "t ci n an chn rt mc cn mi it1",
        conditions: &[
            "it1.info = 'release dates'",
            "n.gender = 'f'",
            "rt.role = 'actress'",
            "cn.country_code = '[us]'",
        ],
        variants: &[
            &[
                "ci.note = '(voice)'",
                "n.name like '%An%'",
                "t.production_year between 2005 and 2009",
            ],
            &["ci.note = '(voice)'", "mi.info like 'USA:%2007%'", "t.title like '%Kung%'"],
            &[
                "ci.note in ('(voice)', '(voice: English version)')",
                "n.name like '%An%'",
                "t.production_year > 2000",
            ],
            &["ci.note in ('(voice)', '(voice: English version)')", "t.production_year > 2000"],
        ],
    },
    Class {
        relations: "t kt mk k ci n chn cc cct1 cct2",
        conditions: &["cct1.kind = 'cast'", "cct2.kind like '%complete%'", "kt.kind = 'movie'"],
        variants: &[
            &[
                "chn.name like '%Tony%Stark%'",
                "k.keyword in ('superhero', 'sequel')",
                "t.production_year > 1950",
            ],
            &["chn.name like '%Tony%Stark%'", "n.name like '%Robert%'", "t.production_year > 2000"],
            &[
                "chn.name like '%Man%'",
                "k.keyword in ('superhero', 'violence', 'magnet')",
                "t.production_year > 2000",
            ],
        ],
    },
    Class {
        relations: "t mk k mc cn ct ml lt mi",
        conditions: &["cn.country_code <> '[nl]'", "k.keyword = 'sequel'", "mc.note is null"],
        variants: &[
            &[
                "cn.name like '%Film%'",
                "lt.link like '%follow%'",
                "mi.info in ('Sweden', 'Germany', 'German')",
            ],
            &[
                "cn.name like '%Film%'",
                "mi.info in ('Germany', 'German')",
                "t.production_year between 2000 and 2010",
            ],
            &[
                "cn.name like '%Warner%'",
                "lt.link like '%follow%'",
                "t.production_year between 1950 and 2010",
            ],
        ],
    },
    Class {
        relations: "t kt mk k mc cn ct mi it1 mx it2",
        conditions: &["it1.info = 'countries'", "it2.info = 'rating'", "cn.country_code <> '[us]'"],
        variants: &[
            &[
                "k.keyword in ('murder', 'blood')",
                "mi.info in ('Germany', 'USA')",
                "mx.info < '7.0'",
            ],
            &[
                "k.keyword in ('murder', 'violence')",
                "mi.info in ('Germany', 'UK')",
                "t.production_year > 2009",
            ],
            &["k.keyword in ('murder', 'gore')", "mc.note like '%(20%)%'", "mx.info < '8.5'"],
            &[
                "k.keyword in ('murder', 'blood', 'violence')",
                "mx.info < '8.5'",
                "t.production_year > 2005",
            ],
        ],
    },
    Class {
        relations: "t kt mk k mc cn ct mi it1 cc cct2",
        conditions: &[
            "cct2.kind = 'complete+verified'",
            "it1.info = 'release dates'",
            "cn.country_code = '[us]'",
        ],
        variants: &[
            &["kt.kind = 'movie'", "mi.note like '%internet%'", "t.production_year > 2000"],
            &[
                "kt.kind = 'movie'",
                "k.keyword in ('nerd', 'hero', 'web')",
                "t.production_year > 2000",
            ],
            &[
                "kt.kind in ('movie', 'tv movie', 'video movie')",
                "mi.info like 'USA:%'",
                "t.production_year > 1990",
            ],
        ],
    },
    Class {
        relations: "t mk k ci n an chn rt mc cn mi it1",
        conditions: &[
            "ci.note = '(voice)'",
            "it1.info = 'release dates'",
            "n.gender = 'f'",
            "rt.role = 'actress'",
        ],
        variants: &[
            &[
                "cn.country_code = '[us]'",
                "k.keyword in ('hero', 'martial-arts', 'fight')",
                "t.production_year > 2010",
            ],
            &[
                "cn.name like '%Studios%'",
                "k.keyword in ('hero', 'martial-arts')",
                "t.title like 'Kung Fu%'",
            ],
        ],
    },
    Class {
        relations: "t mk k ci n mi it1 mx it2",
        conditions: &[
            "it1.info = 'genres'",
            "it2.info = 'votes'",
            "ci.note in ('(writer)', '(producer)')",
        ],
        variants: &[
            &["k.keyword in ('murder', 'blood', 'gore')", "mi.info = 'Horror'", "n.gender = 'm'"],
            &[
                "k.keyword in ('murder', 'violence')",
                "t.title like 'Vampire%'",
                "t.production_year > 2010",
            ],
            &[
                "k.keyword in ('murder', 'blood', 'gore', 'violence')",
                "mi.info in ('Horror', 'Action', 'Sci-Fi')",
            ],
        ],
    },
    Class {
        relations: "t kt mk k ci n chn mx it2 cc cct1 cct2",
        conditions: &[
            "cct1.kind = 'cast'",
            "cct2.kind like '%complete%'",
            "it2.info = 'rating'",
            "kt.kind = 'movie'",
        ],
        variants: &[
            &[
                "chn.name like '%man%'",
                "k.keyword in ('superhero', 'violence', 'magnet')",
                "mx.info > '7.0'",
            ],
            &["chn.name like '%Queen%'", "k.keyword in ('superhero', 'fight')", "mx.info > '8.0'"],
            &[
                "chn.name like '%Man%'",
                "k.keyword in ('superhero', 'web')",
                "t.production_year > 2000",
            ],
        ],
    },
    Class {
        relations: "t mk k mc cn ct ml lt mi cc cct1 cct2",
        conditions: &["cct1.kind in ('cast', 'crew')", "k.keyword = 'sequel'", "mc.note is null"],
        variants: &[
            &[
                "cct2.kind = 'complete'",
                "lt.link like '%follow%'",
                "mi.info in ('Sweden', 'Germany')",
            ],
            &["cct2.kind = 'complete'", "cn.country_code <> '[nl]'", "t.production_year = 1998"],
            &[
                "cct2.kind like 'complete%'",
                "cn.name like '%Film%'",
                "t.production_year between 1950 and 2010",
            ],
        ],
    },
    Class {
        relations: "t kt mk k mc cn ct mi it1 mx it2 cc cct1 cct2",
        conditions: &[
            "cct1.kind = 'crew'",
            "it1.info = 'countries'",
            "it2.info = 'rating'",
            "mx.info < '8.5'",
        ],
        variants: &[
            &[
                "cct2.kind <> 'complete+verified'",
                "k.keyword in ('murder', 'blood')",
                "t.production_year > 2000",
            ],
            &[
                "cct2.kind <> 'complete+verified'",
                "mi.info in ('Sweden', 'Germany')",
                "t.production_year > 2005",
            ],
            &["cct2.kind = 'complete'", "cn.country_code <> '[us]'", "t.production_year > 2005"],
        ],
    },
    Class {
        relations: "t mk k ci n an chn rt mc cn mi it1 pi it3 cc cct1 cct2",
        conditions: &[
            "cct1.kind = 'cast'",
            "it1.info = 'release dates'",
            "n.gender = 'f'",
            "rt.role = 'actress'",
        ],
        variants: &[
            &["cct2.kind = 'complete+verified'", "chn.name like 'Queen%'", "it3.info = 'trivia'"],
            &[
                "cct2.kind = 'complete+verified'",
                "chn.name like 'Queen%'",
                "it3.info = 'height'",
                "ci.note = '(voice)'",
            ],
            &[
                "k.keyword = 'computer-animation'",
                "it3.info = 'trivia'",
                "t.production_year between 2000 and 2010",
            ],
        ],
    },
    Class {
        relations: "t mk k ci n mi it1 mx it2 cc cct1 cct2",
        conditions: &[
            "it1.info = 'genres'",
            "it2.info = 'votes'",
            "n.gender = 'm'",
            "cct2.kind = 'complete+verified'",
        ],
        variants: &[
            &[
                "k.keyword in ('murder', 'violence')",
                "mi.info in ('Horror', 'Thriller')",
                "t.production_year > 2000",
            ],
            &[
                "k.keyword in ('murder', 'gore')",
                "t.title like '%Freddy%'",
                "t.production_year > 2000",
            ],
            &["k.keyword in ('murder', 'blood', 'gore')", "mi.info in ('Horror', 'Action', 'War')"],
        ],
    },
    Class {
        relations: "t mk k ci n mc cn mi it1 mx it2",
        conditions: &[
            "it1.info = 'genres'",
            "it2.info = 'votes'",
            "ci.note in ('(writer)', '(producer)')",
        ],
        variants: &[
            &["cn.name like '%Warner%'", "k.keyword in ('murder', 'blood')", "n.gender = 'm'"],
            &["cn.name like '%Warner%'", "mc.note like '%(USA)%'", "t.title like '%Saw%'"],
            &[
                "cn.name like '%Film%'",
                "k.keyword in ('murder', 'violence', 'gore')",
                "mi.info in ('Horror', 'War')",
            ],
        ],
    },
    Class {
        relations: "t mk k ml lt t2",
        conditions: &[],
        variants: &[&["k.keyword = 'magnet'"], &["k.keyword = 'character-name-in-title'"]],
    },
    Class {
        relations: "t kt mc cn mx it2 ml lt t2 kt2 mx2 mk k",
        conditions: &[
            "it2.info = 'rating'",
            "kt.kind = 'tv series'",
            "lt.link in ('follows', 'followed by')",
        ],
        variants: &[
            &["cn.country_code = '[us]'", "kt2.kind = 'tv series'", "mx2.info < '3.0'"],
            &["cn.country_code = '[nl]'", "t2.production_year = 2007"],
            &[
                "cn.country_code <> '[us]'",
                "mx2.info < '3.5'",
                "t2.production_year between 2000 and 2010",
            ],
        ],
    },
];
