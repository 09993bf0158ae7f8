package export

import (
	"context"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault"
)

// config is the table of an instance's settings: one row, of the instance and of its customer.
const config = "public.instance_config"

// customers are the settings that a customer makes, or Fleet for it; the others are the instance's: its id, its vendors' credentials, its
// plan's limits.
var customers = []string{"logo_url", "favicon_url", "primary_color", "secondary_color", "custom_css", "timezone", "locale", "date_format",
	"data_retention_days", "enable_audit_log", "gdpr_enabled"}

// own reports whether a table is the project's own, whatever an export has of it: Storage's is written by Storage as files come, and
// Auth's history and log tell of this project.
func own(table string) bool {
	return table == config || strings.HasPrefix(table, "storage.") ||
		slices.Contains([]string{"auth.schema_migrations", "auth.instances", "auth.audit_log_entries"}, table)
}

// noted is how the database notes an import, in the import's own transaction.
func (i *Import) noted() string { return "import/" + i.Operation }

// before tells of an import that the database has noted, if it has.
func (i *Import) before(ctx context.Context) (done Imported, err error) {
	if i.Operation == "" {
		return Imported{}, nil
	}
	if err := i.Conn.QueryRow(ctx, "select exists (select from private.starting_content where piece = $1)", i.noted()).Scan(&done.Before); err != nil || !done.Before {
		return done, err
	}
	err = i.Conn.QueryRow(ctx, administrators).Scan(&done.Administrators)
	return done, err
}

// administrators are the users who are such, the first one first.
const administrators = `select coalesce(array_agg(u.id::text order by u.created_at, u.id), '{}') from auth.users u
	where exists (select from public.user_roles r where r.user_id = u.id and r.role = 'admin')`

// settle makes what was imported this instance's: the customer's settings come over, without what leads to the other instance; what was
// encrypted for that one is switched off; and the import is noted.
func (in *importing) settle(ctx context.Context) error {
	if in.Administrator == "" {
		return nil
	}
	*in.doing = "settings"
	if err := in.settings(ctx); err != nil {
		return err
	}
	*in.doing = "webhooks"
	off, err := in.tx.Exec(ctx, "update public.webhooks set enabled = false where enabled")
	if err != nil {
		return err
	}
	in.done.WebhooksOff = int(off.RowsAffected())
	if err := in.exec(ctx, "update public.webhook_deliveries set status = 'failed', next_attempt_at = null where status = 'pending'"); err != nil {
		return err
	}
	*in.doing = "administrators"
	if err := in.tx.QueryRow(ctx, administrators).Scan(&in.done.Administrators); err != nil {
		return err
	}
	if len(in.done.Administrators) == 0 {
		return fault.New(fault.Rejected, "the export has no administrator: nobody could administer the instance")
	}
	if in.Operation == "" {
		return nil
	}
	*in.doing = "note"
	_, err = in.tx.Exec(ctx, "insert into private.starting_content (piece) values ($1)", in.noted())
	return err
}

// settings takes the customer's settings over. Addresses of files in the other instance's Storage become those of the same files in
// this one's.
func (in *importing) settings(ctx context.Context) error {
	if in.config.Rows == 0 {
		return nil
	}
	if err := in.exec(ctx, "create temporary table imported_config (like "+config+") on commit drop"); err != nil {
		return err
	}
	g := goal{file: in.config, name: "pg_temp.imported_config"}
	if err := in.copy(ctx, g); err != nil {
		return err
	}
	set := make([]string, 0, len(customers))
	for _, c := range customers {
		if slices.Contains(in.config.Columns, c) {
			set = append(set, c+" = i."+c)
		}
	}
	if len(set) == 0 {
		return nil
	}
	if _, err := in.tx.Exec(ctx, "update "+config+" c set "+strings.Join(set, ", ")+" from pg_temp.imported_config i"); err != nil {
		return err
	}
	_, err := in.tx.Exec(ctx, "update "+config+` set logo_url = case when starts_with(logo_url, $1) then $2 || substr(logo_url, length($1) + 1) else logo_url end,
		favicon_url = case when starts_with(favicon_url, $1) then $2 || substr(favicon_url, length($1) + 1) else favicon_url end
		where $1 <> ''`, in.Files.Theirs, in.Files.Ours)
	return err
}
