package schema

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/project-gimbal/fleet/internal/fault"
)

// Config is an instance's row in instance_config. Empty strings and nil mean "not given": a new row then gets the
// column's default, a row that is there keeps its value.
type Config struct {
	InstanceID string // UUID

	LogoURL, FaviconURL          string
	PrimaryColor, SecondaryColor string // "#RRGGBB"
	CustomCSS                    string

	// Ciphertexts as text, made with the instance's config key. Clear text never gets here.
	TwilioAccountSID, TwilioAuthToken, SendGridAPIKey string

	Timezone   string // IANA name; default America/New_York
	Locale     string // BCP 47 tag; default en-US
	DateFormat string // default MM/DD/YYYY

	MonthlySMSLimit   *int // messages a month, default 10,000; 0 allows none
	MonthlyEmailLimit *int // messages a month, default 50,000; 0 allows none
	MaxUsers          *int // default 50

	DataRetentionDays *int  // default 730
	EnableAuditLog    *bool // default true
	GDPREnabled       *bool // default true
}

// columns is each column of instance_config that provisioning writes but the key, with the field it is kept in: a *string,
// a **int or a **bool.
func (c *Config) columns() []column {
	return []column{
		{"logo_url", &c.LogoURL}, {"favicon_url", &c.FaviconURL}, {"primary_color", &c.PrimaryColor},
		{"secondary_color", &c.SecondaryColor}, {"custom_css", &c.CustomCSS}, {"twilio_account_sid", &c.TwilioAccountSID},
		{"twilio_auth_token", &c.TwilioAuthToken}, {"sendgrid_api_key", &c.SendGridAPIKey}, {"timezone", &c.Timezone},
		{"locale", &c.Locale}, {"date_format", &c.DateFormat}, {"monthly_sms_limit", &c.MonthlySMSLimit},
		{"monthly_email_limit", &c.MonthlyEmailLimit}, {"max_users", &c.MaxUsers}, {"data_retention_days", &c.DataRetentionDays},
		{"enable_audit_log", &c.EnableAuditLog}, {"gdpr_enabled", &c.GDPREnabled},
	}
}

type column struct {
	name  string
	field any
}

// With is c with what is given in by, as WriteConfig would leave it. The instance id stays.
func (c Config) With(by Config) Config {
	given := by.columns()
	for i, own := range c.columns() {
		switch field := own.field.(type) {
		case *string:
			*field = cmp.Or(*given[i].field.(*string), *field)
		case **int:
			*field = cmp.Or(*given[i].field.(**int), *field)
		case **bool:
			*field = cmp.Or(*given[i].field.(**bool), *field)
		}
	}
	return c
}

// WriteConfig writes what c gives into the instance's row, which it makes if need be. Doing it again changes nothing,
// not even updated_at. A database that holds another instance's row is NotOurs. A value that the table refuses, such as a time
// zone that the server doesn't know, is Rejected, with the constraint's name.
func WriteConfig(ctx context.Context, conn *pgx.Conn, c Config) error {
	var set []string
	values := []any{c.InstanceID}
	for _, column := range c.columns() {
		values = append(values, column.field)
		given := fmt.Sprintf("$%d", len(values))
		switch column.field.(type) {
		case *string:
			given = "nullif(" + given + "::text, '')"
		case **int:
			given += "::int"
		case **bool:
			given += "::boolean"
		}
		set = append(set, column.name+" = coalesce("+given+", "+column.name+")")
	}
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// The defaults live in the table alone: the row is made with them and then given its values.
		_, err := tx.Exec(ctx, `insert into public.instance_config (instance_id) values ($1::text::uuid)
			on conflict do nothing`, c.InstanceID)
		if err != nil {
			return err
		}
		written, err := tx.Exec(ctx, "update public.instance_config set "+strings.Join(set, ", ")+" where instance_id = $1::text::uuid", values...)
		if err != nil {
			return err
		}
		if written.RowsAffected() == 0 {
			return &fault.Error{Code: fault.NotOurs, Vendor: vendor, Operation: "WriteConfig",
				Text: "the database holds another instance's configuration", NothingHappened: true}
		}
		return nil
	})
	return translate("WriteConfig", "instance_config", err)
}

// ReadConfig reads an instance's row with every field given, and reports whether there is one.
func ReadConfig(ctx context.Context, conn *pgx.Conn, instanceID string) (Config, bool, error) {
	c := Config{}
	chosen, fields := []string{"instance_id::text"}, []any{&c.InstanceID}
	for _, column := range c.columns() {
		name := column.name
		if _, text := column.field.(*string); text {
			name = "coalesce(" + name + ", '')"
		}
		chosen, fields = append(chosen, name), append(fields, column.field)
	}
	err := conn.QueryRow(ctx, "select "+strings.Join(chosen, ", ")+" from public.instance_config where instance_id = $1::text::uuid",
		instanceID).Scan(fields...)
	if errors.Is(err, pgx.ErrNoRows) {
		return Config{}, false, nil
	}
	return c, err == nil, translate("ReadConfig", "instance_config", err)
}

// WriteAdmin gives a user of the project's Auth a profile, the role admin and, where there are teams, a place in the first.
// Doing it again changes nothing: a name that the profile has already stays, and whoever left the team isn't put back. A user
// that Auth doesn't know is Rejected.
func WriteAdmin(ctx context.Context, conn *pgx.Conn, userID, displayName string) error {
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into public.profiles (id, display_name) values ($1::text::uuid, $2::text)
			on conflict (id) do nothing`, userID, displayName)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into public.user_roles (user_id, role) values ($1::text::uuid, 'admin')
			on conflict (user_id, role) do nothing`, userID)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `with first as (select id from public.teams order by created_at, id limit 1),
				fresh as (insert into private.starting_content (piece) select 'administrator/' || $1::text from first
					on conflict do nothing returning piece)
			insert into public.team_members (team_id, user_id) select first.id, $1::text::uuid from first, fresh
			on conflict do nothing`, userID)
		return err
	})
	return translate("WriteAdmin", "profile", err)
}
