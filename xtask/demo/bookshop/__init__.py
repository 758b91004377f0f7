"""A small shop: a catalogue of books, orders, invoices, a ledger and messages about all of them."""
