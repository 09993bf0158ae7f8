// Package schema holds the SQL of a customer's database as numbered migrations, applies them, and writes the rows that
// provisioning owes the database: the instance's configuration and its first administrator.
//
// Migrations are only ever added: one that has been applied anywhere is never edited. Each must leave the database usable
// by the application's previous version, because an update rolls out instance by instance.
package schema

import (
	"cmp"
	"embed"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/project-gimbal/fleet/internal/fault"
)

//go:embed migrations/*.sql
var files embed.FS

// Migration is one step of the schema's history.
type Migration struct {
	// Version orders migrations: digits, all of one length ("0001").
	Version string
	// Name says what it does, in words joined by underscores.
	Name string
	// SQL is the whole file. It holds no transaction control: the migrator wraps it in a transaction of its own.
	SQL string
}

// Statements is the migration's SQL, split as the Supabase CLI splits it for its history.
func (m Migration) Statements() []string { return split(m.SQL) }

var load = sync.OnceValues(func() ([]Migration, error) { return parse(files) })

// All lists this build's migrations in order. They are part of the program and checked by its tests, so the list can't
// fail where the tests have passed; if the files were broken it would be empty, and Apply would refuse it.
func All() []Migration {
	all, err := load()
	if err != nil {
		return nil
	}
	return slices.Clone(all)
}

// fileName is how the Supabase CLI names migrations.
var fileName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([0-9]+)_([a-z0-9_]+)\.sql$`) })

// parse reads the files of a folder "migrations".
func parse(from fs.FS) ([]Migration, error) {
	paths, err := fs.Glob(from, "migrations/*")
	if err != nil {
		return nil, err
	}
	var all []Migration
	for _, path := range paths {
		name := strings.TrimPrefix(path, "migrations/")
		parts := fileName().FindStringSubmatch(name)
		if parts == nil {
			return nil, fault.New(fault.Internal, "migration %s is not named <version>_<name>.sql", name)
		}
		sql, err := fs.ReadFile(from, path)
		if err != nil {
			return nil, err
		}
		all = append(all, Migration{Version: parts[1], Name: parts[2], SQL: string(sql)})
	}
	slices.SortFunc(all, func(a, b Migration) int { return cmp.Compare(a.Version, b.Version) })
	return all, check(all)
}

// transactionControl begins a statement that would break out of the migrator's transaction.
var transactionControl = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(begin|start\s+transaction|commit|end|rollback|abort|savepoint|release|prepare\s+transaction)\b`)
})

// check refuses a list that can't be applied: none, unordered or doubled versions, or transaction control.
func check(all []Migration) error {
	if len(all) == 0 {
		return fault.New(fault.Internal, "there are no migrations")
	}
	for i, m := range all {
		if len(m.Version) != len(all[0].Version) {
			return fault.New(fault.Internal, "migration %s: versions are of different length", m.Version)
		}
		if i > 0 && m.Version <= all[i-1].Version {
			return fault.New(fault.Internal, "migration %s comes after %s", m.Version, all[i-1].Version)
		}
		for n, statement := range m.Statements() {
			if transactionControl().MatchString(withoutLeadingComments(statement)) {
				return fault.New(fault.Internal, "migration %s, statement %d: controls transactions", m.Version, n+1)
			}
		}
	}
	return nil
}
