// Package export writes what a customer's database holds to files that need nothing of ours to be read, and reads them back.
//
//	manifest.json                 what is there: of each file bytes, SHA-256, rows; how consistent; what was left out, and why
//	database.sql                  psql -v ON_ERROR_STOP=1 -f database.sql restores it, as a superuser, into an empty PostgreSQL 15 or later, none older than its own
//	csv/<schema>.<table>.csv      each table's rows: RFC 4180, with a header, UTF-8
//
// Everything streams through one connection, needs no program beside us, and goes on in another process where one's time is up:
// Export.Run ends with a Checkpoint. What a process holds at once is a part, at least PartSize and at most a row more, and the
// row that comes in. A row whose text is longer than MaxRow ends the export with QuotaExceeded, which names the table; nothing
// is left out for its size.
//
// Kept is what the catalog holds of the customer's schemas: roles (without logins and passwords), types, sequences, tables,
// functions, views, rows, constraints, indexes, triggers, policies, owners, rights, comments. Not kept is how it is stored:
// tablespaces, access methods, compression, statistics targets, replica identities. What a superuser owned belongs to who
// restores it. An object that can't be written, and whatever depends on it, is listed in the manifest.
package export
