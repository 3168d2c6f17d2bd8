-- The indexes that an experienced person gives this application, written down before any advice was
-- asked for, each with its reason. Only keys and unique constraints exist beside them.

--- sessions are looked for by user, and swept by expiry
create index on sessions (user_id, created_at desc);
create index on sessions (expires_at);
--- logins write the address as they like; deleted users cannot log in
create index on users (lower(email)) where deleted_at is null;
--- the list of a tenant's users is in order of names
create index on users (tenant_id, name) where deleted_at is null;
--- the sweep of inactive users wants the oldest first
create index on users (last_seen_at) where deleted_at is null;
--- settings are asked for by containment only, so the smaller operator class does
create index on users using gin (settings jsonb_path_ops) where deleted_at is null;
--- a fifth of the products is deleted and never shown
create index on products (tenant_id, sku) where deleted_at is null;
create index on products (tenant_id, category_id, created_at desc) where deleted_at is null;
create index on products (category_id, price, id) where deleted_at is null;
--- few are out of stock: the index is tiny
create index on products (tenant_id) where stock = 0 and deleted_at is null;
--- search by parts of words
create index on products using gin (name gin_trgm_ops) where deleted_at is null;
create index on products using gin (description gin_trgm_ops) where deleted_at is null;
create index on products using gin (tags);
create index on products using gin (attributes jsonb_path_ops);
create index on products (((attributes ->> 'batch')::integer));
--- paths are asked for by their beginning, under any collation
create index on categories (path text_pattern_ops);
create index on categories (parent_id);
--- customers write their address as they like too
create index on customers (lower(email));
create index on customers using hash (phone);
create index on customers using gin (name gin_trgm_ops);
create index on customers (tenant_id, created_at desc) where deleted_at is null;
--- a customer's orders, newest first; also for the foreign key
create index on orders (customer_id, placed_at desc);
--- two orders in a hundred are open, and the shop looks at nothing else all day
create index on orders (tenant_id, placed_at) where status in ('new', 'paid', 'packed');
create index on orders (placed_at) where status = 'packed' and shipped_at is null;
--- pages and sums by time; the total rides along so that sums read no table
create index on orders (tenant_id, placed_at, id) include (total);
create index on orders (coupon) where coupon is not null;
create index on order_items (order_id);
create index on order_items (product_id) include (order_id);
create index on payments (order_id);
create index on payments using hash (provider_ref);
create index on payments (created_at) where status = 'pending';
--- written in order of time and read by time: a block range index is next to nothing
create index on events using brin (created_at) with (pages_per_range = 16);
create index on events (tenant_id, created_at desc);
create index on events (created_at desc) where kind = 'error';
create index on events ((payload ->> 'path'));
create index on events using gin (payload jsonb_path_ops);
create index on events (user_id, created_at desc);
create index on metrics using brin (measured_at) with (pages_per_range = 16);
create index on metrics (device_id, measured_at) include (value);
--- the queue is what is not done; the index stays small however many jobs there were
create index on jobs (queue, priority, run_at) where status = 'queued';
create index on jobs (run_at) where status = 'failed';
create index on jobs (run_at) where status = 'running';
--- the feed takes the newest of each author followed
create index on posts (author_id, created_at desc) where deleted_at is null;
create index on posts (tenant_id, created_at desc, id desc) where deleted_at is null;
create index on posts (tenant_id, likes desc, created_at desc) where deleted_at is null;
create index on posts using gin (to_tsvector('english', title || ' ' || body)) where deleted_at is null;
create index on comments (post_id, created_at);
--- the other direction of the primary key
create index on follows (followee_id);
--- three in a hundred are unread
create index on notifications (user_id, created_at desc) where read_at is null;
--- nearest neighbours and boxes
create index on stores using gist (place);
--- by store and by time: without btree_gist the range leads alone
create index on bookings using gist (during);
create index on audit (object_kind, object_id, created_at desc);
create index on audit using brin (created_at) with (pages_per_range = 16);
