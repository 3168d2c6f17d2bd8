-- Indexes that have piled up over the years, for the advice on drops. expected.json says which of them
-- must be proposed for dropping, and which never.

--- needed by important statements, however seldom they run
create index orders_customer_placed on orders (customer_id, placed_at desc);
create index payments_provider_ref on payments (provider_ref);
create index jobs_queued on jobs (queue, priority, run_at) where status = 'queued';
create index events_tenant_created on events (tenant_id, created_at desc);
create index order_items_order on order_items (order_id);
create index order_items_product on order_items (product_id) include (order_id);
create index comments_post_created on comments (post_id, created_at);
create index audit_object on audit (object_kind, object_id, created_at desc);
--- needed by a constraint: a foreign key points to it
create unique index users_id_tenant on users (id, tenant_id);
alter table sessions add column tenant_id integer;
alter table sessions add constraint sessions_user foreign key (user_id, tenant_id) references users (id, tenant_id);
--- unique: nobody may have the same number twice, whoever reads the index
create unique index payments_reference_once on payments (provider, provider_ref);
--- the beginning of another one
create index orders_customer on orders (customer_id);
create index events_tenant on events (tenant_id);
create index comments_post on comments (post_id);
--- the same as another one
create index order_items_order_2 on order_items (order_id);
create index orders_pkey_again on orders (id);
--- read by no statement
create index orders_total on orders (total);
create index users_created on users (created_at);
create index payments_amount on payments (amount, provider);
