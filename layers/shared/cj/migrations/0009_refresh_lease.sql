-- One refresh of a shop's tokens at a time, across processes: whoever sets the lease asks Shopify.
-- It is short, and a process that dies with it only delays the next one.
ALTER TABLE merchant_integrations
    ADD COLUMN refreshing_by    UUID,
    ADD COLUMN refreshing_until TIMESTAMPTZ;
