-- Statements on the schema of shadow_odd.sql, one a line.
select * from "Odd Names"."Order" where "Key" = 7
select * from "Odd Names"."Order" where "select" = 7
select * from "Odd Names"."Order" where "select" < 7 and m = 'sad'
select * from "Odd Names"."Order" where norm(note) = 'secret5'
select * from "Odd Names"."Order" where doc ->> 'k' = '7'
select * from "Odd Names"."Order" where note like '%cret12%'
select * from "Odd Names"."Order" where tags @> array['t1']
select * from "Odd Names"."Order" where tags && array['t1','u2']
select * from "Odd Names"."Order" where span && int4range(3,5)
select * from "Odd Names"."Order" where span @> 42
select * from "Odd Names"."Order" where "Key" between 100 and 900
select * from "Odd Names"."Order" where "select" = 5 and m = 'sad' and d = 6
select count(*) from "Odd Names"."Order" group by d % 10, "select" % 10
select "select", m, d, count(*) from "Odd Names"."Order" group by 1,2,3
select * from events where at = '2024-03-03'
select * from events where amount between 10 and 20
select * from events where at > '2024-08-01' and kind = 'sad' order by amount limit 5
select * from events e join "Odd Names"."Order" o on o."Key" = e.id where o.d = 3
select sum(amount) from events group by kind
select * from parent_t where a < 50
select * from parent_t p join child_t c using (a)
select * from v where "Key" < 100
select * from mv where m = 'sad'
select * from byp where "Key" = 3
select r.* from refs r join "Odd Names"."Order" o on o."Key" = r.o where o.twice > 40
select * from refs where o = 3
select * from never where a = 5
select * from never n join refs r on r.o = n.a
select count(*) from refs
select max(o), min(o) from refs
select * from "Odd Names"."Order" where norm2('a') = note
select * from "Odd Names"."Order" order by note limit 10
select * from texts where words @@ 'word7 & other3'::tsquery
select * from texts where body like 'word4%'
select * from spread where at > '2024-05-01' order by at, price desc limit 20
select * from spread where who = '00000000-0000-0000-0000-000000000000'
select * from spread where lower(few) = 'f3' and yes
select few, count(*), avg(price) from spread where ratio < 100.5 group by few
select * from spread s join refs r on r.o = s.id where raw > '\x80' and not yes
select * from spread where few is null
select distinct price from spread order by 1
with recursive t(n) as (select 1 union all select n + 1 from t where n < 10) select * from t join spread on id = n
select * from spread a where exists (select from spread b where b.price = a.price and b.id > a.id + 19000)
update spread set price = price + 1 where id < 100
delete from refs where o in (select id from spread where few = 'f1')
insert into refs select id, 1 from spread where yes
select o.*, rank() over (partition by m order by d) from "Odd Names"."Order" o
