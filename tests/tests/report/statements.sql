-- Run so many times as the number in front says.
40: select * from store.orders where customer_id = 4711 order by placed desc limit 20
25: select c.name, sum(o.total) from store.customers as c join store.orders as o on o.customer_id = c.id where c.country = 'de' and o.status = 'open' and o.placed > '2024-12-20' group by c.name order by 2 desc limit 10
30: select o.id, i.sku, i.quantity from store.items as i join store.orders as o on o.id = i.order_id where i.sku = 1234
15: select kind, count(*) from store.events where happened between '2024-01-20' and '2024-01-21' group by kind order by kind
12: select count(*) from store.orders where status = 'back' and total > 1100
4: update store.events set detail = 'seen' where happened = '2024-01-03 04:05:00+00'
3: select sku, sum(quantity * price) as turnover from store.items group by sku order by turnover desc
20: select /* </script><script>probe('statement')</script> */ note as "<img src=x onerror=probe('alias')>" from "</script><script>probe('schema')</script>"."<img src=x onerror=probe('table')>" where """ onmouseover=""probe('column')" = 17
