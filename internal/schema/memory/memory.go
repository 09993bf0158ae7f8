// Package memory is a stand-in for customers' databases, for flows in virtual time: it keeps what the steps write, by
// connection string, and refuses what PostgreSQL would refuse of them.
package memory

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // which zones there are must not depend on the machine's files
	"unicode/utf8"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/schema"
)

// Store holds every database. The zero value is empty and usable; a Store may be used from several goroutines.
type Store struct {
	// Fault, if set before first use, is asked before each call, with the database's key (see Key) and one of "Connect",
	// "Migrate", "WriteConfig", "Seed", "WriteAdmin", "Export", "Import", and "Imported" once that is done. What it returns, the call fails with; it may wait on the test's clock.
	Fault func(ctx context.Context, key, operation string) error

	mu        sync.Mutex
	databases map[string]*content
}

// content is one database's.
type content struct {
	migrated bool
	config   *schema.Config
	starter  *schema.Starter
	admins   map[string]string // display name by user id
	imports  map[string]bool   // by the operations that imported
}

// Defaults is a new instance's row, as the table's defaults make it.
func Defaults(instanceID string) schema.Config {
	return schema.Config{
		InstanceID: instanceID,
		Timezone:   "America/New_York", Locale: "en-US", DateFormat: "MM/DD/YYYY",
		MonthlySMSLimit: new(10_000), MonthlyEmailLimit: new(50_000), MaxUsers: new(50),
		DataRetentionDays: new(730), EnableAuditLog: new(true), GDPREnabled: new(true),
	}
}

// Key is what a database is kept under: its connection string without password and parameters.
func Key(connection provider.Secret) (string, error) {
	u, err := url.Parse(connection.Reveal())
	if err != nil || u.Host == "" {
		return "", &fault.Error{Code: fault.Internal, Vendor: "supabase", Operation: "Connect", Text: "the database's URL does not parse", NothingHappened: true}
	}
	return u.User.Username() + "@" + u.Host + u.Path, nil
}

// Open has the signature of schema.Open. A database comes into being when it is first opened.
func (s *Store) Open(ctx context.Context, connection provider.Secret) (schema.Database, error) {
	key, err := Key(connection)
	if err != nil {
		return nil, err
	}
	if err := s.fault(ctx, key, "Connect"); err != nil {
		return nil, err
	}
	return &database{store: s, key: key}, nil
}

// Drop forgets a database, as the deletion of its project does.
func (s *Store) Drop(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.databases, key)
}

// Keys lists the databases that were written to, sorted.
func (s *Store) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.databases))
}

// Migrated reports whether a database has its schema.
func (s *Store) Migrated(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.databases[key]
	return c != nil && c.migrated
}

// Config is a database's instance_config row, if there is one.
func (s *Store) Config(key string) (schema.Config, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.databases[key]
	if c == nil || c.config == nil {
		return schema.Config{}, false
	}
	return *c.config, true
}

// Starter is what a database was first seeded with, if it was.
func (s *Store) Starter(key string) (schema.Starter, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.databases[key]
	if c == nil || c.starter == nil {
		return schema.Starter{}, false
	}
	return *c.starter, true
}

// Admins is the display name of each administrator, by user id.
func (s *Store) Admins(key string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.databases[key]; c != nil {
		return maps.Clone(c.admins)
	}
	return nil
}

func (s *Store) fault(ctx context.Context, key, operation string) error {
	if err := ctx.Err(); err != nil {
		return &fault.Error{Code: fault.Unavailable, Vendor: "supabase", Operation: operation, Text: "no answer from the database", Err: err}
	}
	if s.Fault == nil {
		return nil
	}
	return s.Fault(ctx, key, operation)
}

type database struct {
	store *Store
	key   string
}

// change runs f on the database's content, unless a fault is scripted for the operation.
func (d *database) change(ctx context.Context, operation string, f func(*content) error) error {
	if err := d.store.fault(ctx, d.key, operation); err != nil {
		return err
	}
	d.store.mu.Lock()
	defer d.store.mu.Unlock()
	c := d.store.databases[d.key]
	if c == nil {
		c = &content{admins: map[string]string{}}
	}
	if operation != "Migrate" && !c.migrated {
		return refused(operation, "42P01") // undefined_table
	}
	if err := f(c); err != nil {
		return err
	}
	if d.store.databases == nil {
		d.store.databases = map[string]*content{}
	}
	d.store.databases[d.key] = c
	return nil
}

func refused(operation, state string) *fault.Error {
	return &fault.Error{Code: fault.Rejected, Vendor: "supabase", Operation: operation, VendorCode: state, Text: "SQLSTATE " + state, NothingHappened: true}
}

func (d *database) Migrate(ctx context.Context) error {
	return d.change(ctx, "Migrate", func(c *content) error {
		c.migrated = true
		return nil
	})
}

func (d *database) WriteConfig(ctx context.Context, given schema.Config) error {
	return d.change(ctx, "WriteConfig", func(c *content) error {
		row := Defaults(given.InstanceID)
		if c.config != nil {
			if !strings.EqualFold(c.config.InstanceID, given.InstanceID) {
				return &fault.Error{Code: fault.NotOurs, Vendor: "supabase", Operation: "WriteConfig",
					Text: "the database holds another instance's configuration", NothingHappened: true}
			}
			row = *c.config
		}
		if _, err := time.LoadLocation(given.Timezone); err != nil {
			f := refused("WriteConfig", "23514") // check_violation
			f.Text += " by instance_config_timezone_known"
			return f
		}
		row = row.With(given)
		c.config = &row
		return nil
	})
}

func (d *database) Seed(ctx context.Context, given schema.Starter) error {
	return d.change(ctx, "Seed", func(c *content) error {
		if n := utf8.RuneCountInString(given.Company); n < 1 || n > 200 {
			return refused("Seed", "23514") // check_violation
		}
		if given.Vertical != "" && !slices.Contains(fleet.Verticals(), given.Vertical) {
			return &fault.Error{Code: fault.Rejected, Vendor: "supabase", Operation: "Seed", Text: "no starting content for this vertical", NothingHappened: true}
		}
		if c.starter == nil {
			c.starter = &given
		}
		return nil
	})
}

func (d *database) WriteAdmin(ctx context.Context, userID, displayName string) error {
	return d.change(ctx, "WriteAdmin", func(c *content) error {
		if displayName == "" {
			return refused("WriteAdmin", "23514") // check_violation
		}
		if _, found := c.admins[userID]; !found {
			c.admins[userID] = displayName
		}
		return nil
	})
}

func (d *database) Close(context.Context) error { return nil }
