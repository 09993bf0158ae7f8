package schema

import (
	"context"
	"errors"

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

// WriteConfig writes what c gives into the instance's row, which it makes if need be. Doing it again changes nothing,
// not even updated_at. A database that holds another instance's row is NotOurs.
func WriteConfig(ctx context.Context, conn *pgx.Conn, c Config) error {
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// The defaults live in the table alone: the row is made with them and then given its values.
		_, err := tx.Exec(ctx, `insert into public.instance_config (instance_id) values ($1::text::uuid)
			on conflict do nothing`, c.InstanceID)
		if err != nil {
			return err
		}
		written, err := tx.Exec(ctx, `update public.instance_config set
				logo_url = coalesce(nullif($2::text, ''), logo_url),
				favicon_url = coalesce(nullif($3::text, ''), favicon_url),
				primary_color = coalesce(nullif($4::text, ''), primary_color),
				secondary_color = coalesce(nullif($5::text, ''), secondary_color),
				custom_css = coalesce(nullif($6::text, ''), custom_css),
				twilio_account_sid = coalesce(nullif($7::text, ''), twilio_account_sid),
				twilio_auth_token = coalesce(nullif($8::text, ''), twilio_auth_token),
				sendgrid_api_key = coalesce(nullif($9::text, ''), sendgrid_api_key),
				timezone = coalesce(nullif($10::text, ''), timezone),
				locale = coalesce(nullif($11::text, ''), locale),
				date_format = coalesce(nullif($12::text, ''), date_format),
				monthly_sms_limit = coalesce($13::int, monthly_sms_limit),
				monthly_email_limit = coalesce($14::int, monthly_email_limit),
				max_users = coalesce($15::int, max_users),
				data_retention_days = coalesce($16::int, data_retention_days),
				enable_audit_log = coalesce($17::boolean, enable_audit_log),
				gdpr_enabled = coalesce($18::boolean, gdpr_enabled)
			where instance_id = $1::text::uuid`,
			c.InstanceID, c.LogoURL, c.FaviconURL, c.PrimaryColor, c.SecondaryColor, c.CustomCSS,
			c.TwilioAccountSID, c.TwilioAuthToken, c.SendGridAPIKey, c.Timezone, c.Locale, c.DateFormat,
			c.MonthlySMSLimit, c.MonthlyEmailLimit, c.MaxUsers, c.DataRetentionDays, c.EnableAuditLog, c.GDPREnabled)
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
	err := conn.QueryRow(ctx, `select instance_id::text, coalesce(logo_url, ''), coalesce(favicon_url, ''),
			coalesce(primary_color, ''), coalesce(secondary_color, ''), coalesce(custom_css, ''),
			coalesce(twilio_account_sid, ''), coalesce(twilio_auth_token, ''), coalesce(sendgrid_api_key, ''),
			timezone, locale, date_format, monthly_sms_limit, monthly_email_limit, max_users,
			data_retention_days, enable_audit_log, gdpr_enabled
		from public.instance_config where instance_id = $1::text::uuid`, instanceID).Scan(
		&c.InstanceID, &c.LogoURL, &c.FaviconURL, &c.PrimaryColor, &c.SecondaryColor, &c.CustomCSS,
		&c.TwilioAccountSID, &c.TwilioAuthToken, &c.SendGridAPIKey,
		&c.Timezone, &c.Locale, &c.DateFormat, &c.MonthlySMSLimit, &c.MonthlyEmailLimit, &c.MaxUsers,
		&c.DataRetentionDays, &c.EnableAuditLog, &c.GDPREnabled)
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
