package schema

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/project-gimbal/fleet/internal/fault"
)

// lockKey is the advisory lock that appliers take in turn; any constant would do that no other program uses.
const lockKey = 0x6d_69_67_72_61_74_65

// history is the table in which the Supabase CLI keeps what was applied, made as the CLI makes it, so that either may
// come first.
const history = `
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
alter table supabase_migrations.schema_migrations add column if not exists statements text[];
alter table supabase_migrations.schema_migrations add column if not exists name text;`

// Apply brings the database to the last of the given migrations and says which versions it applied itself.
//
// Each migration is applied in a transaction of its own, together with its entry in the history, under an advisory lock
// that the transaction holds. So a migration that fails leaves nothing, those before it stay, and appliers that run at
// once take turns, each finding what the others did.
//
// A history that does not fit is refused with Conflict: a version that was applied with other content, or a missing one
// before others that were applied. Versions after the last one given are a newer build's and are left alone, so that
// executions in flight survive a deployment. A statement that fails is Rejected, with SQLSTATE as vendor code; the
// statement's text, which may hold data, is not repeated.
func Apply(ctx context.Context, conn *pgx.Conn, migrations []Migration) (applied []string, err error) {
	if err := check(migrations); err != nil {
		return nil, err
	}
	err = inTurn(ctx, conn, func(tx pgx.Tx) error { return execute(ctx, tx, history) })
	if err != nil {
		return nil, translate("Migrate", "migration history", err)
	}
	for _, m := range migrations {
		done := false
		err := inTurn(ctx, conn, func(tx pgx.Tx) (err error) {
			done, err = applyOne(ctx, tx, m, migrations)
			return err
		})
		if err != nil {
			return applied, partly(translate("Migrate", "migration "+m.Version, err), len(applied) > 0)
		}
		if done {
			applied = append(applied, m.Version)
		}
	}
	return applied, nil
}

// inTurn runs f in a transaction that holds the lock.
func inTurn(ctx context.Context, conn *pgx.Conn, f func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1::bigint)`, int64(lockKey)); err != nil {
			return err
		}
		return f(tx)
	})
}

// applyOne applies m unless the history holds it, and reports whether it did.
func applyOne(ctx context.Context, tx pgx.Tx, m Migration, all []Migration) (bool, error) {
	entries, err := readHistory(ctx, tx)
	if err != nil {
		return false, err
	}
	if err := fits(entries, m, all); err != nil {
		return false, err
	}
	if _, found := entries[m.Version]; found {
		return false, nil
	}
	statements := m.Statements()
	for n, sql := range statements {
		if err := execute(ctx, tx, sql); err != nil {
			return false, &statementError{n + 1, err}
		}
	}
	_, err = tx.Exec(ctx, `insert into supabase_migrations.schema_migrations (version, name, statements)
		values ($1::text, $2::text, $3::text[])`, m.Version, m.Name, statements)
	return err == nil, err
}

// execute runs SQL as it stands, without parameters.
func execute(ctx context.Context, tx pgx.Tx, sql string) error {
	_, err := tx.Conn().PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// readHistory gives the statements of each applied version; nil where the history doesn't hold them.
func readHistory(ctx context.Context, tx pgx.Tx) (map[string][]string, error) {
	rows, err := tx.Query(ctx, `select version, statements from supabase_migrations.schema_migrations`)
	if err != nil {
		return nil, err
	}
	entries := map[string][]string{}
	var version string
	var statements []string
	_, err = pgx.ForEachRow(rows, []any{&version, &statements}, func() error {
		entries[version] = slices.Clone(statements)
		return nil
	})
	return entries, err
}

// fits refuses a history that m can't be applied to, or wasn't applied to as it is now.
func fits(entries map[string][]string, m Migration, all []Migration) error {
	if statements, found := entries[m.Version]; found {
		if statements != nil && content(statements) != content(m.Statements()) {
			return fault.New(fault.Conflict, "migration %s was applied with other content", m.Version)
		}
		return nil
	}
	for version := range entries {
		if version > m.Version {
			return fault.New(fault.Conflict, "migration %s is missing, but %s was applied", m.Version, version)
		}
		known := slices.ContainsFunc(all, func(k Migration) bool { return k.Version == version })
		if !known {
			return fault.New(fault.Conflict, "the database holds migration %s, which this build does not know", version)
		}
	}
	return nil
}

// content is what is compared of a migration: everything but space and semicolons, on which versions of the Supabase CLI
// and this splitter may differ.
func content(statements []string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(strings.Join(statements, " "), ";", " ")), "")
}

// partly takes back the claim that nothing happened where earlier migrations were applied.
func partly(err error, happened bool) error {
	if f, ok := errors.AsType[*fault.Error](err); ok && happened {
		f.NothingHappened = false
	}
	return err
}
