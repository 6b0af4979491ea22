alter table charges add column at_sale text;
comment on column charges.at_sale is 'What the seller charges at the sale in place of the border; null where nothing is.';
