package postgres

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"

	"github.com/jackc/pgx/v5"
)

//go:embed roles.sql
var rolesSQL string

//go:embed template.sql
var templateSQL string

// template is the database that projects' databases are copies of. No project's reference has an underscore.
const template = "project_template"

// prepareTemplate makes roles and template. A template that is unfinished, or was made from other SQL, is made anew;
// projects' databases stay as they are.
func (s *Server) prepareTemplate(ctx context.Context) error {
	sum := sha256.Sum256([]byte(rolesSQL + templateSQL))
	version := hex.EncodeToString(sum[:])
	admin, err := s.connect(ctx, "postgres")
	if err != nil {
		return err
	}
	defer closeQuietly(ctx, admin)
	var ready bool
	err = admin.QueryRow(ctx, `select exists (select from pg_database
		where datname = $1 and datistemplate and shobj_description(oid, 'pg_database') = $2)`, template, version).Scan(&ready)
	if err != nil {
		return fmt.Errorf("look for the template database: %w", err)
	}
	if ready {
		return nil
	}
	for _, sql := range []string{
		`update pg_database set datistemplate = false where datname = '` + template + `'`, // a template can't be dropped
		`drop database if exists ` + template + ` with (force)`,
		rolesSQL,
		`create database ` + template + ` template template0`,
	} {
		if _, err := admin.Exec(ctx, sql); err != nil {
			return fmt.Errorf("prepare the template database: %w", err)
		}
	}
	if err := s.fillTemplate(ctx); err != nil {
		return err
	}
	for _, sql := range []string{
		`comment on database ` + template + ` is '` + version + `'`,
		`alter database ` + template + ` with is_template true allow_connections false`,
	} {
		if _, err := admin.Exec(ctx, sql); err != nil {
			return fmt.Errorf("prepare the template database: %w", err)
		}
	}
	return nil
}

func (s *Server) fillTemplate(ctx context.Context) error {
	conn, err := s.connect(ctx, template)
	if err != nil {
		return err
	}
	defer closeQuietly(ctx, conn)
	if _, err := conn.Exec(ctx, templateSQL); err != nil {
		return fmt.Errorf("fill the template database: %w", err)
	}
	return nil
}

// connect opens a connection as the superuser.
func (s *Server) connect(ctx context.Context, database string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", superuser, s.port, database))
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	config.Password = s.password.Reveal()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	return conn, nil
}

// closeQuietly closes a connection whose work is done or has failed already: its own error would change nothing.
func closeQuietly(ctx context.Context, conn *pgx.Conn) { _ = conn.Close(ctx) }
