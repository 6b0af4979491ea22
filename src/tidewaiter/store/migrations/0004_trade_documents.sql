-- Orders, payments, waybills and declarations that name an order wait here to be matched. What is personal or tells
-- of goods is a keyed digest in `sealed`; the rest are numbers that firms gave. Rows are appended to and never changed:
-- what stands after amendments and cancellations, and what is overdue, is worked out anew from them.

create table trade_documents (
    id bigint generated always as identity primary key,
    message_id bigint not null references messages,
    place integer not null,
    jurisdiction text not null,
    kind text not null,
    number text not null,
    order_number text not null,
    payment text not null,
    waybill text not null,
    received_at timestamptz not null,
    sealed jsonb not null,
    unique (message_id, place)
);
comment on column trade_documents.order_number is 'Empty where the document names none; so are payment and waybill.';
create index trade_documents_order on trade_documents (order_number, jurisdiction) where order_number <> '';
create index trade_documents_number on trade_documents (number, kind, jurisdiction);
create index trade_documents_payment on trade_documents (payment, jurisdiction) where payment <> '';
create index trade_documents_waybill on trade_documents (waybill, jurisdiction) where waybill <> '';
create index trade_documents_received on trade_documents (jurisdiction, received_at);

create trigger append_only before update or delete or truncate on trade_documents
    for each statement execute function refuse_change();
