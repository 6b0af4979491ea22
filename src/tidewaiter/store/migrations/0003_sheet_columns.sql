create table sheet_columns (
    id bigint generated always as identity primary key,
    filer text not null check (filer <> ''),
    titles bytea not null check (octet_length(titles) = 32),
    columns jsonb not null,
    remembered_at timestamptz not null
);
create index on sheet_columns (filer, titles, id desc);
create trigger refuse_change before update or delete or truncate on sheet_columns
    for each statement execute function refuse_change();
comment on table sheet_columns is 'What a filer said the headings of his sheets stand for; the last one holds.';
comment on column sheet_columns.titles is 'SHA-256 of the headings of the sheet, in their order.';
comment on column sheet_columns.columns is 'Our column by heading; empty for one to be left out.';
comment on column messages.digest is 'SHA-256 of raw, and of the mapping of columns where one held. The same bytes from the same filer are one lodgement.';
