package schema

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/schema/starting"
)

// Starter says what an instance starts with.
type Starter struct {
	Company  string // names the first team and the sender of messages; 1 to 200 characters
	Vertical string // one of fleet.Verticals; empty means general
	Locale   string // BCP 47 tag: its closest language is the team's, English where none is close
}

// Seed writes an instance's starting content: opt-out texts, sending rules with quiet hours, message templates in every
// language, a first team with tags, and retention jobs. Each piece is written once in the database's life and noted in
// private.starting_content: a replay changes nothing, what the customer edited or deleted stays so, and a later build's new
// pieces are added. Administrators that are there already become members of the first team. An unknown vertical is Rejected.
func Seed(ctx context.Context, conn *pgx.Conn, s Starter) error {
	pieces, err := s.pieces()
	if err != nil {
		return err
	}
	err = inTurn(ctx, conn, func(tx pgx.Tx) error {
		for _, p := range pieces {
			rows, err := json.Marshal(p.rows)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, p.sql, string(rows)); err != nil {
				return err
			}
		}
		return nil
	})
	return translate("Seed", "starting content", err)
}

// piece is rows of one kind, and what puts those of them in that weren't there before.
type piece struct {
	rows any
	sql  string
}

// fresh begins a statement that goes on with the rows whose piece is new.
const fresh = `with given as (select * from jsonb_array_elements($1::text::jsonb) as g(item)),
	fresh as (insert into private.starting_content (piece) select item ->> 'piece' from given on conflict do nothing returning piece),
	wanted as (select item from given join fresh on piece = item ->> 'piece') `

const (
	seedOptOut = fresh + `insert into public.opt_out_texts (locale, keyword, sms_notice, email_notice)
		select item ->> 'locale', item ->> 'keyword', item ->> 'sms', item ->> 'email' from wanted
		on conflict do nothing`
	seedRules = fresh + `insert into public.sending_rules (sender_name, vertical, locale)
		select item ->> 'company', item ->> 'vertical', item ->> 'locale' from wanted
		on conflict do nothing`
	// Teams that are there get a later build's new template as well. A new team's copy is made by its trigger.
	seedTemplates = fresh + `, library as (
			insert into public.template_library (key, channel, locale, name, subject, body)
			select item ->> 'key', item ->> 'channel', item ->> 'locale', item ->> 'name', item ->> 'subject', item ->> 'body' from wanted
			on conflict do nothing
			returning key, channel, locale, name, subject, body)
		insert into public.message_templates (team_id, key, channel, locale, name, subject, body)
		select t.id, l.key, l.channel, l.locale, l.name, l.subject, l.body from library l cross join public.teams t
		on conflict do nothing`
	// A customer may have made teams before the first was seeded, even one of that name.
	seedTeam = fresh + `, team as (insert into public.teams (name) select item ->> 'company' from wanted
			on conflict (lower(name)) do update set name = teams.name returning id)
		insert into public.team_members (team_id, user_id)
		select team.id, r.user_id from team join public.user_roles r on r.role = 'admin'
		on conflict do nothing`
	seedTags = fresh + `insert into public.tags (team_id, name)
		select t.id, item ->> 'name' from wanted cross join (select id from public.teams order by created_at, id limit 1) t
		on conflict do nothing`
	seedRetention = fresh + `insert into public.retention_jobs (name, description, keep_days)
		select item ->> 'name', item ->> 'description', (item ->> 'keep_days')::int from wanted
		on conflict do nothing`
)

// pieces is the starting content in the order in which its rows refer to each other.
func (s Starter) pieces() ([]piece, error) {
	c, err := starting.For(s.Vertical)
	if err != nil {
		return nil, &fault.Error{Code: fault.Rejected, Vendor: vendor, Operation: "Seed", Text: "no starting content for this vertical", Err: err, NothingHappened: true}
	}
	locale := starting.Closest(s.Locale)
	type row = map[string]any
	var optOut, templates, tags, retention []row
	for _, o := range c.OptOut {
		optOut = append(optOut, row{"piece": "opt_out/" + o.Locale, "locale": o.Locale, "keyword": o.Keyword, "sms": o.SMS, "email": o.Email})
	}
	for _, t := range c.Templates {
		templates = append(templates, row{"piece": "template/" + t.Key + "/" + t.Channel + "/" + t.Locale, "key": t.Key, "channel": t.Channel,
			"locale": t.Locale, "name": t.Name, "subject": t.Subject, "body": t.Body})
	}
	for _, name := range c.Tags[locale] {
		tags = append(tags, row{"piece": "tag/" + name, "name": name})
	}
	for _, j := range starting.Retention() {
		retention = append(retention, row{"piece": "retention/" + j.Name, "name": j.Name, "description": j.Description, "keep_days": j.KeepDays})
	}
	own := row{"company": s.Company, "vertical": c.Vertical, "locale": locale}
	rules, team := row{"piece": "sending_rules"}, row{"piece": "team"}
	for k, v := range own {
		rules[k], team[k] = v, v
	}
	return []piece{{optOut, seedOptOut}, {[]row{rules}, seedRules}, {templates, seedTemplates}, {[]row{team}, seedTeam},
		{tags, seedTags}, {retention, seedRetention}}, nil
}
