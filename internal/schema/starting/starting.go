// Package starting holds what a new instance starts with, in every language: a file a language, for translators.
package starting

import (
	"embed"
	"encoding/json"
	"errors"
	"maps"
	"path"
	"slices"
	"sync"

	"golang.org/x/text/language"

	"github.com/project-gimbal/fleet/internal/fleet"
)

//go:embed locales/*.json
var files embed.FS

// Locales lists the languages of the content; the first is taken where none fits.
func Locales() []string { return []string{"en", "de", "es", "fr"} }

var matcher = sync.OnceValue(func() language.Matcher {
	var tags []language.Tag
	for _, l := range Locales() {
		tags = append(tags, language.MustParse(l))
	}
	return language.NewMatcher(tags)
})

// Closest is the one of Locales that readers of a BCP 47 tag understand best: de for de-AT. For a tag that doesn't parse, and
// where none is close, it is English.
func Closest(tag string) string {
	parsed, err := language.Parse(tag)
	if err != nil {
		return Locales()[0]
	}
	_, i, confidence := matcher().Match(parsed)
	if confidence == language.No {
		return Locales()[0]
	}
	return Locales()[i]
}

// Text is one message's content in one language, for both channels. Names in braces are placeholders.
type Text struct {
	Name    string `json:"name"` // what people call the template
	SMS     string `json:"sms"`
	Subject string `json:"subject"`
	Email   string `json:"email"`
}

// locale is a file.
type locale struct {
	OptOut    OptOut              `json:"opt_out"`
	Templates map[string]Text     `json:"templates"` // by key; for every vertical
	Verticals map[string]vertical `json:"verticals"`
}

type vertical struct {
	Tags      []string        `json:"tags"`
	Templates map[string]Text `json:"templates"`
}

// OptOut is how a contact opts out in one language.
type OptOut struct {
	Locale  string `json:"-"`
	Keyword string `json:"keyword"` // what to reply to an SMS
	SMS     string `json:"sms"`     // said at the end of an SMS
	Email   string `json:"email"`   // said at the end of a mail
}

// Template is one message template.
type Template struct {
	Key     string
	Channel string // sms or email
	Locale  string
	Name    string
	Subject *string // of a mail
	Body    string
}

// Content is a vertical's, in all languages.
type Content struct {
	Vertical  string
	OptOut    []OptOut
	Templates []Template
	Tags      map[string][]string // by locale
}

// ErrUnknownVertical means that there is no content for a vertical.
var ErrUnknownVertical = errors.New("unknown vertical")

// For is the content of a vertical; empty means the general one.
func For(name string) (Content, error) {
	if name == "" {
		name = fleet.GeneralVertical
	}
	all, err := load()
	if err != nil {
		return Content{}, err
	}
	c := Content{Vertical: name, Tags: map[string][]string{}}
	for _, l := range Locales() {
		own, found := all[l].Verticals[name]
		if !found {
			return Content{}, ErrUnknownVertical
		}
		c.Tags[l] = own.Tags
		optOut := all[l].OptOut
		optOut.Locale = l
		c.OptOut = append(c.OptOut, optOut)
		texts := maps.Clone(all[l].Templates)
		maps.Copy(texts, own.Templates)
		for _, key := range slices.Sorted(maps.Keys(texts)) {
			t := texts[key]
			c.Templates = append(c.Templates,
				Template{Key: key, Channel: "sms", Locale: l, Name: t.Name, Body: t.SMS},
				Template{Key: key, Channel: "email", Locale: l, Name: t.Name, Subject: &t.Subject, Body: t.Email})
		}
	}
	return c, nil
}

var load = sync.OnceValues(func() (map[string]locale, error) {
	all := map[string]locale{}
	for _, l := range Locales() {
		raw, err := files.ReadFile(path.Join("locales", l+".json"))
		if err != nil {
			return nil, err
		}
		var content locale
		if err := json.Unmarshal(raw, &content); err != nil {
			return nil, err
		}
		all[l] = content
	}
	return all, nil
})

// RetentionJob deletes what has become old.
type RetentionJob struct {
	Name, Description string
	KeepDays          *int // nil follows the instance's data_retention_days
}

// Retention lists the jobs of every instance.
func Retention() []RetentionJob {
	return []RetentionJob{
		{Name: "messages", Description: "Messages that were sent or given up"},
		{Name: "archived_contacts", Description: "Contacts archived long ago, other than those who opted out"},
		{Name: "webhook_deliveries", Description: "What became of outgoing webhooks", KeepDays: new(30)},
	}
}
