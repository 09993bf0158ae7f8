package export

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

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

// noted is how the database's note of an import begins, which its own transaction writes. A note follows, as JSON.
func (i *Import) noted() string { return "import/" + i.Operation + " " }

// note is what is known of an import afterwards.
type note struct {
	Rows int64
	Off  Off
}

// before tells of an import that the database has noted, if it has. One whose commit is under way it waits for: what is not noted then is
// not imported, and won't be by an invocation that is over.
func (i *Import) before(ctx context.Context) (done Imported, err error) {
	if i.Operation == "" {
		return Imported{}, nil
	}
	err = pgx.BeginFunc(ctx, i.Conn, func(tx pgx.Tx) error {
		if _, err := tx.Conn().PgConn().Exec(ctx, "set local lock_timeout = '20s'; "+alone).ReadAll(); err != nil {
			return err
		}
		var what string
		err := tx.QueryRow(ctx, "select substr(piece, length($1) + 1) from private.starting_content where starts_with(piece, $1)", i.noted()).Scan(&what)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		var n note
		if err := json.Unmarshal([]byte(what), &n); err != nil {
			return err
		}
		done.Before, done.Rows, done.Off = true, n.Rows, n.Off
		return tx.QueryRow(ctx, administrators).Scan(&done.Administrators)
	})
	return done, err
}

// administrators are the users who are such, the first one first.
const administrators = `select coalesce(array_agg(u.id::text order by u.created_at, u.id), '{}') from auth.users u
	where exists (select from public.user_roles r where r.user_id = u.id and r.role = 'admin')`

// settle makes what was imported this instance's: the customer's settings come over, without what leads to the other instance; what would
// go on in both is switched off; and the import is noted.
func (in *importing) settle(ctx context.Context) error {
	if in.Administrator == "" {
		return nil
	}
	*in.doing = "settings"
	if err := in.settings(ctx); err != nil {
		return err
	}
	if err := in.switchOff(ctx); err != nil {
		return err
	}
	*in.doing = "administrators"
	if err := in.administrators(ctx); err != nil {
		return err
	}
	if in.Operation == "" {
		return nil
	}
	*in.doing = "note"
	what, err := json.Marshal(note{in.done.Rows, in.done.Off})
	if err != nil {
		return err
	}
	_, err = in.tx.Exec(ctx, "insert into private.starting_content (piece) values ($1)", in.noted()+string(what))
	return err
}

// switchOff stops what would go on by itself, or let others in: the other instance may live on, and may be another customer's. Whether what was
// being sent has been is the other instance's to know.
func (in *importing) switchOff(ctx context.Context) error {
	off := &in.done.Off
	for _, s := range []struct {
		doing, sql string
		count      *int
	}{
		{"webhooks", "update public.webhooks set enabled = false where enabled", &off.Webhooks},
		{"deliveries", "update public.webhook_deliveries set status = 'failed', next_attempt_at = null where status = 'pending'", nil},
		{"campaigns", "update public.campaigns set status = 'paused' where status in ('running', 'scheduled')", &off.Campaigns},
		{"messages", "update public.messages set status = case status when 'queued' then 'skipped' else 'unknown' end where status in ('queued', 'sending')", &off.Messages},
		{"API keys", "update public.api_keys set revoked_at = now() where revoked_at is null", &off.APIKeys},
	} {
		*in.doing = s.doing
		tag, err := in.tx.Exec(ctx, s.sql)
		if err != nil {
			return err
		}
		if s.count != nil {
			*s.count = int(tag.RowsAffected())
		}
	}
	return nil
}

// administrators refuses an export without any, and one that is another customer's: whoever has the instance's address is mailed all that is
// told of it, with the codes of its exports.
func (in *importing) administrators(ctx context.Context) error {
	if err := in.tx.QueryRow(ctx, administrators).Scan(&in.done.Administrators); err != nil {
		return err
	}
	if len(in.done.Administrators) == 0 {
		return fault.New(fault.Rejected, "the export has no administrator: nobody could administer the instance")
	}
	var theirs bool
	err := in.tx.QueryRow(ctx, "select $1 = '' or exists (select from auth.users where id::text = any($2) and lower(email) = lower($1))", in.Owner, in.done.Administrators).Scan(&theirs)
	if err == nil && !theirs {
		return AnotherCustomers()
	}
	return err
}

// AnotherCustomers is the fault of an export of which no administrator has the address that it must.
func AnotherCustomers() error {
	return fault.New(fault.Rejected, "the export may be another customer's: none of its administrators has the mail address of this instance's signup")
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
