package supabase

import "context"

// Databases are the databases behind the projects. None of its methods but Host is called while the simulator
// holds its lock, and each may be called again for what is done already.
type Databases interface {
	// Create makes the database of a project with the schemas and roles that Supabase gives one, owned by a login
	// with this password.
	Create(ctx context.Context, ref, password string) error
	// Drop removes it with all its connections.
	Drop(ctx context.Context, ref string) error
	// SetPassword changes the owner's password.
	SetPassword(ctx context.Context, ref, password string) error
	// AddUser puts a user into its auth.users, so that foreign keys hold.
	AddUser(ctx context.Context, ref, id, email string) error
	// Users are those in its auth.users, addresses by ids, for what SQL puts there or takes away counts for Auth. It is false where there is
	// no database to know.
	Users(ctx context.Context, ref string) (map[string]string, bool, error)
	// Host is where all of them are reached, by session mode; empty where each is at a pooler's name of the vendor's.
	Host() string
}

// NoDatabases is Databases without any: for tests in virtual time.
type NoDatabases struct{}

// Create does nothing.
func (NoDatabases) Create(context.Context, string, string) error { return nil }

// Drop does nothing.
func (NoDatabases) Drop(context.Context, string) error { return nil }

// SetPassword does nothing.
func (NoDatabases) SetPassword(context.Context, string, string) error { return nil }

// AddUser does nothing.
func (NoDatabases) AddUser(context.Context, string, string, string) error { return nil }

// Users knows nobody.
func (NoDatabases) Users(context.Context, string) (map[string]string, bool, error) {
	return nil, false, nil
}

// Host is empty.
func (NoDatabases) Host() string { return "" }
