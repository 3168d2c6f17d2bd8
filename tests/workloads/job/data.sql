-- Rows for tables.sql, the same at every run. The setting workload.scale says how many: at 1 a tenth
-- of what IMDB had when the Join Order Benchmark took its snapshot (250,000 films, 3.6 million roles).
--
-- As there, the columns are skewed and correlated, which is what makes such joins hard to plan: few
-- films have most of the cast, keywords and information; the country of a film decides its language,
-- its companies and its release; its genre decides its keywords; its kind goes with its year.

--- helpers
-- A number in [0, 1) for each number and seed.
create function pg_temp.u(i bigint, seed integer) returns double precision language sql immutable as $$
    select (hashint8extended(i, seed) & 4503599627370495)::double precision / 4503599627370496
$$;
create function pg_temp.rows(at_scale_one integer, fewest integer) returns integer language sql stable as $$
    select greatest(fewest, (at_scale_one * current_setting('workload.scale')::double precision)::integer)
$$;
-- A number from 1 to n, small ones much more often.
create function pg_temp.skewed(i bigint, seed integer, n integer, power double precision)
returns integer language sql immutable as $$
    select 1 + floor(n * pow(pg_temp.u(i, seed), power))::integer
$$;
-- The country (1 to 10) and genre (1 to 12) of a film, which decide most of what else it has.
create function pg_temp.country(film bigint) returns integer language sql immutable as $$
    select pg_temp.skewed(film, 101, 10, 2.2)
$$;
create function pg_temp.genre(film bigint) returns integer language sql immutable as $$
    select 1 + (pg_temp.skewed(film, 102, 12, 1.6) + 3 * pg_temp.country(film)) % 12
$$;
create function pg_temp.year(film bigint) returns integer language sql immutable as $$
    select 2013 - floor(115 * pow(pg_temp.u(film, 103), 2.6))::integer
$$;
-- Old films are seldom episodes, and what is an episode is hardly ever old.
create function pg_temp.kind(film bigint) returns integer language sql immutable as $$
    select case when pg_temp.year(film) < 1960 then 1
        when pg_temp.u(film, 104) < 0.55 then 7
        when pg_temp.u(film, 104) < 0.80 then 1
        when pg_temp.u(film, 104) < 0.88 then 4
        when pg_temp.u(film, 104) < 0.93 then 3
        when pg_temp.u(film, 104) < 0.98 then 2
        else 6 end
$$;
create function pg_temp.word(i bigint, seed integer) returns text language sql immutable as $$
    select (array['Silver', 'Night', 'River', 'Lost', 'Champion', 'Garden', 'Money', 'Shadow', 'Freddy',
        'Murder', 'Iron', 'Winter', 'Saw', 'Dragon', 'Summer', 'Letter', 'Vampire', 'Kung Fu', 'Hero',
        'Birdemic', 'Glass', 'Ocean', 'Dream', 'Fight'])[pg_temp.skewed(i, seed, 24, 1.3)]
$$;

--- small tables
insert into kind_type values (1, 'movie'), (2, 'tv series'), (3, 'tv movie'), (4, 'video movie'),
    (5, 'tv mini series'), (6, 'video game'), (7, 'episode');
insert into role_type select i, (array['actor', 'actress', 'producer', 'writer', 'cinematographer',
    'composer', 'costume designer', 'director', 'editor', 'miscellaneous crew', 'production designer',
    'guest'])[i] from generate_series(1, 12) as i;
insert into link_type select i, (array['follows', 'followed by', 'remake of', 'remade as', 'references',
    'referenced in', 'spoofs', 'spoofed in', 'features', 'featured in', 'spin off from', 'spin off',
    'version of', 'similar to', 'edited into', 'edited from', 'alternate language version of',
    'unknown link'])[i] from generate_series(1, 18) as i;
insert into company_type values (1, 'distributors'), (2, 'production companies'),
    (3, 'special effects companies'), (4, 'miscellaneous companies');
insert into comp_cast_type values (1, 'cast'), (2, 'crew'), (3, 'complete'), (4, 'complete+verified');
insert into info_type select i, coalesce((jsonb '{"3": "genres", "4": "languages", "8": "countries",
    "16": "release dates", "17": "trivia", "19": "mini biography", "21": "birth date", "22": "height",
    "100": "votes", "101": "rating", "105": "budget", "112": "top 250 rank", "113": "bottom 10 rank"}')
    ->> i::text, 'info ' || i) from generate_series(1, 113) as i;

--- companies
-- A country's companies are neighbours, so that films can pick one of their own country.
insert into company_name select i,
    pg_temp.word(i, 1) || ' ' || (array['Film', 'Pictures', 'Warner', 'Studios', 'Productions'])
        [pg_temp.skewed(i, 2, 5, 1.0)] || ' ' || i,
    (array['[us]', '[gb]', '[de]', '[fr]', '[in]', '[jp]', '[it]', '[es]', '[se]', '[nl]'])
        [1 + (i - 1) * 10 / pg_temp.rows(23000, 200)],
    substr(md5(i::text), 1, 5), md5(i::text)
from generate_series(1, pg_temp.rows(23000, 200)) as i;

--- keywords
insert into keyword select i, coalesce((array['sequel', 'character-name-in-title', 'murder', 'blood',
    'violence', 'superhero', 'marvel-cinematic-universe', 'based-on-novel', 'revenge', 'hero', 'martial-arts',
    'fight', 'magnet', 'nerd', 'computer-animation', 'web', 'kung-fu', 'gore', 'female-nudity', 'hospital'])[i],
    lower(pg_temp.word(i, 3)) || '-' || i), substr(md5(i::text), 1, 5)
from generate_series(1, pg_temp.rows(13000, 240)) as i;

--- people
insert into name select i, pg_temp.word(i, 4) || ', ' || (array['Tim', 'Bert', 'Angela', 'Xu', 'Yolanda',
    'Zed', 'Barbara', 'Robert'])[pg_temp.skewed(i, 5, 8, 1.0)] || ' ' || i, null,
    case when pg_temp.u(i, 6) < 0.42 then 'm' when pg_temp.u(i, 6) < 0.65 then 'f' end,
    upper(substr(md5(i::text), 1, 5)), upper(substr(md5(i::text), 2, 5)), upper(substr(md5(i::text), 3, 3))
from generate_series(1, pg_temp.rows(400000, 500)) as i;
insert into char_name select i, (array['Queen', 'Doctor', 'Tony Stark', 'Hannah', 'Himself', 'The Man'])
    [pg_temp.skewed(i, 7, 6, 0.7)] || ' ' || i, null, substr(md5(i::text), 1, 5), substr(md5(i::text), 2, 4)
from generate_series(1, pg_temp.rows(310000, 400)) as i;
insert into aka_name select i, pg_temp.skewed(i, 8, pg_temp.rows(400000, 500), 1.8),
    pg_temp.word(i, 9) || ' a ' || i, null, substr(md5(i::text), 1, 5)
from generate_series(1, pg_temp.rows(90000, 300)) as i;
insert into person_info select i, pg_temp.skewed(i, 10, pg_temp.rows(400000, 500), 2.5),
    (array[19, 21, 22, 17])[pg_temp.skewed(i, 11, 4, 1.0)], md5(i::text) || repeat(' x', (i % 20)::integer),
    case when pg_temp.u(i, 12) < 0.02 then 'Volker Boehm' end
from generate_series(1, pg_temp.rows(300000, 400)) as i;

--- films
insert into title select i, pg_temp.word(i, 13) || ' ' || pg_temp.word(i, 14) || ' ' || i,
    null, pg_temp.kind(i), nullif(pg_temp.year(i), 2013), substr(md5(i::text), 1, 5),
    case when pg_temp.kind(i) = 7 then pg_temp.skewed(i, 15, pg_temp.rows(250000, 300), 2) end,
    case when pg_temp.kind(i) = 7 then 1 + i % 12 end, case when pg_temp.kind(i) = 7 then 1 + i % 100 end, null
from generate_series(1, pg_temp.rows(250000, 300)) as i;
insert into aka_title select i, pg_temp.skewed(i, 16, pg_temp.rows(250000, 300), 1.5),
    pg_temp.word(i, 17) || ' aka ' || i, 1, 2000, null from generate_series(1, pg_temp.rows(36000, 100)) as i;

--- cast
insert into cast_info select i, pg_temp.skewed(i, 18, pg_temp.rows(400000, 500), 1.7), film,
    case when pg_temp.u(i, 20) < 0.5 then pg_temp.skewed(i, 21, pg_temp.rows(310000, 400), 1.5) end,
    case when pg_temp.u(i, 22) < 0.05 then '(voice)' when pg_temp.u(i, 22) < 0.07 then '(voice: English version)'
        when pg_temp.u(i, 22) < 0.12 then '(producer)' when pg_temp.u(i, 22) < 0.15 then '(writer)'
        when pg_temp.u(i, 22) < 0.17 then '(executive producer)'
        when pg_temp.u(i, 22) < 0.40 then '(uncredited)' end,
    i % 40, pg_temp.skewed(i, 23, 11, 1.8)
from (select i, pg_temp.skewed(i, 19, pg_temp.rows(250000, 300), 2.0) as film
    from generate_series(1, pg_temp.rows(3600000, 4000)) as i) as one;
insert into complete_cast select i, pg_temp.skewed(i, 24, pg_temp.rows(250000, 300), 2.0), 1 + i % 2,
    case when pg_temp.u(i, 25) < 0.8 then 3 else 4 end
from generate_series(1, pg_temp.rows(13500, 100)) as i;

--- companies of films
insert into movie_companies select i, film,
    greatest(1, (case when pg_temp.u(i, 27) < 0.85 then pg_temp.country(film) else pg_temp.skewed(i, 28, 10, 1) end - 1)
        * companies / 10 + pg_temp.skewed(i, 29, companies / 10, 2.5)),
    case when pg_temp.u(i, 30) < 0.6 then 1 else 2 end,
    case when pg_temp.u(i, 31) < 0.12 then '(co-production)' when pg_temp.u(i, 31) < 0.2 then '(presents)'
        when pg_temp.u(i, 31) < 0.5 then '(' || pg_temp.year(film) || ') (' ||
            case when pg_temp.country(film) = 1 then 'USA' else 'worldwide' end || ') (TV)'
        when pg_temp.u(i, 31) < 0.55 then '(as Metro-Goldwyn-Mayer Pictures)' end
from (select i, pg_temp.skewed(i, 26, pg_temp.rows(250000, 300), 1.4) as film,
        pg_temp.rows(23000, 200) as companies
    from generate_series(1, pg_temp.rows(260000, 600)) as i) as one;

--- keywords of films
insert into movie_keyword select i, film, least(pg_temp.rows(13000, 240), case when pg_temp.u(i, 33) < 0.3
    then pg_temp.skewed(i, 34, 20, 1.2)
    else (pg_temp.genre(film) - 1) * pg_temp.rows(13000, 240) / 12
        + pg_temp.skewed(i, 35, pg_temp.rows(13000, 240) / 12, 2.0) end)
from (select i, pg_temp.skewed(i, 32, pg_temp.rows(250000, 300), 2.4) as film
    from generate_series(1, pg_temp.rows(450000, 900)) as i) as one;

--- information on films
insert into movie_info select row_number() over (order by film, kind), film, kind, info, note from (
    select i as film, 3 as kind, (array['Drama', 'Comedy', 'Horror', 'Action', 'Thriller', 'Documentary',
        'Romance', 'Crime', 'Sci-Fi', 'Family', 'War', 'Western'])[pg_temp.genre(i)] as info, null as note
    from generate_series(1, pg_temp.rows(250000, 300)) as i
    union all
    select i, 8, (array['USA', 'UK', 'Germany', 'France', 'India', 'Japan', 'Italy', 'Spain', 'Sweden',
        'Netherlands'])[pg_temp.country(i)], null
    from generate_series(1, pg_temp.rows(250000, 300)) as i
    union all
    select i, 4, (array['English', 'English', 'German', 'French', 'Hindi', 'Japanese', 'Italian', 'Spanish',
        'Swedish', 'Dutch'])[pg_temp.country(i)], null
    from generate_series(1, pg_temp.rows(250000, 300)) as i
    union all
    select pg_temp.skewed(i, 36, pg_temp.rows(250000, 300), 1.6), 16,
        (array['USA:', 'UK:', 'Germany:', 'Japan:'])[pg_temp.skewed(i, 37, 4, 1.5)] || 1990 + i % 24,
        case when pg_temp.u(i, 38) < 0.1 then '(internet)' end
    from generate_series(1, pg_temp.rows(400000, 400)) as i
    union all
    select pg_temp.skewed(i, 39, pg_temp.rows(250000, 300), 2.0), 105, '$' || 1000 * (i % 5000), null
    from generate_series(1, pg_temp.rows(25000, 50)) as i
    union all
    select pg_temp.skewed(i, 40, pg_temp.rows(250000, 300), 3.0), 17, 'In this film ' || md5(i::text), null
    from generate_series(1, pg_temp.rows(300000, 300)) as i
) as all_kinds;
insert into movie_info_idx select row_number() over (order by film, kind), film, kind, info, null from (
    select i as film, 101 as kind, to_char(1 + 9 * pg_temp.u(i, 41), 'FM90.0') as info
    from generate_series(1, pg_temp.rows(250000, 300)) as i where pg_temp.u(i, 42) < 0.55
    union all
    select i, 100, floor(10 + 100000 * pow(1 - i::double precision / pg_temp.rows(250000, 300), 4))::text
    from generate_series(1, pg_temp.rows(250000, 300)) as i where pg_temp.u(i, 42) < 0.55
    union all
    select i, 112, i::text from generate_series(1, 250) as i
    union all
    select 260 + i, 113, i::text from generate_series(1, 10) as i
) as all_kinds;
insert into movie_link select i, pg_temp.skewed(i, 43, pg_temp.rows(250000, 300), 2.0),
    pg_temp.skewed(i, 44, pg_temp.rows(250000, 300), 2.0), pg_temp.skewed(i, 45, 17, 1.5)
from generate_series(1, pg_temp.rows(3000, 100)) as i;

--- statistics
vacuum (analyze);
