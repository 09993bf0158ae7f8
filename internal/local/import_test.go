package main

import (
	"bytes"
	"testing"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// work is what a customer's people do with an instance, and what an export of it takes along.
const work = `insert into public.contacts (team_id, first_name, last_name, phone) select id, E'Ünï\n', '😀', '+12025550123' from public.teams;
	update public.instance_config set custom_css = 'b{}';
	insert into public.webhooks (name, url, events, signing_secret) values ('x', 'https://x.example', '{message.sent}', 'a..b.c.d')`

// left is what of that, and of the instance's own, is in a database.
const left = `select jsonb_build_object('contacts', (select jsonb_agg(to_jsonb(c) order by id) from public.contacts c), 'users', (select jsonb_agg(u.id order by u.id) from auth.users u),
	'members', (select jsonb_agg(to_jsonb(m) order by user_id) from public.team_members m), 'audit', (select count(*) from public.audit_log), 'style', (select custom_css from public.instance_config))::text`

// row is a query's one value, in an instance's own database.
func (d *downloading) row(id, query string) (text string) {
	d.t.Helper()
	e, err := d.system.world.Store.Resource(d.t.Context(), id, fleet.SupabaseProject, fleet.ResourceName(id))
	if err != nil || e == nil {
		d.t.Fatalf("project of %s: %v, %v", id, e, err)
	}
	conn, err := d.system.databases.Connect(d.t.Context(), e.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = conn.Close(d.t.Context()) }()
	if query == work {
		_, err = conn.PgConn().Exec(d.t.Context(), query).ReadAll()
	} else {
		err = conn.QueryRow(d.t.Context(), query).Scan(&text)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return text
}

// another sets a further instance up.
func (d *downloading) another(slug string) (id string) {
	d.t.Helper()
	body, err := events.Signup()
	if err != nil {
		d.t.Fatal(err)
	}
	p, err := d.client.signup(d.t.Context(), "msg_2", bytes.ReplaceAll(body, []byte("acme-dental\","), []byte(slug+"\",")))
	if err == nil {
		_, err = d.client.approve(d.t.Context(), p.ID)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	d.wait(slug+" is live", func() bool {
		i, err := d.system.world.Store.Instance(d.t.Context(), p.ID)
		return err == nil && i != nil && i.State == fleet.Active && i.Operation == ""
	})
	return p.ID
}

// TestImportIntoServe: what people did in an instance is in another one's real database, which keeps what is its own.
func TestImportIntoServe(t *testing.T) {
	t.Parallel()
	d := exporting(t, 60)
	d.row(d.id, work)
	e, err := d.client.export(t.Context(), d.id)
	if err != nil {
		t.Fatal(err)
	}
	into := d.another("acme-again")
	const own = `select concat_ws(' ', instance_id, twilio_account_sid, sendgrid_api_key, monthly_sms_limit) from public.instance_config`
	before := d.row(into, own)
	var o view.Operation
	if err := d.client.post(t.Context(), "/instances/"+into+"/import", view.Import{From: d.id, Export: e.ID}, &o); err != nil {
		t.Fatal(err)
	}
	d.wait("is imported", func() bool {
		now, err := d.system.world.Store.Operation(t.Context(), into, o.Operation)
		return err == nil && !now.Running()
	})
	now, err := d.system.world.Store.Operation(t.Context(), into, o.Operation)
	if err != nil || now.Outcome != fleet.Succeeded || now.Import.WebhooksOff != 1 || now.Import.Rows < 100 {
		t.Fatalf("%+v, %+v, %v", now, now.Import, err)
	}
	if a, b := d.row(d.id, left), d.row(into, left); a != b {
		t.Errorf("there %s\nhere %s", a, b)
	}
	if after := d.row(into, own); after != before {
		t.Errorf("its own settings were %s, and are %s", before, after)
	}
	admins, err := d.system.world.Store.ResourcesOf(t.Context(), into, fleet.AdminUser)
	if err != nil || len(admins) != 2 {
		t.Fatalf("%+v, %v", admins, err)
	}
	for _, a := range admins {
		if there := d.row(into, "select count(*)::text from auth.users where id = '"+a.ID+"'"); (there == "1") == a.Gone() {
			t.Errorf("%+v is there %s times", a, there)
		}
	}
}
