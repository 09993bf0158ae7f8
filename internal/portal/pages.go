package portal

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/fault/runbooks"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

//go:embed pages/*.html
var files embed.FS

// pages are the templates, each within the layout.
type pages map[string]*template.Template

func parsePages(p *Portal) (pages, error) {
	functions := template.FuncMap{
		"now":     p.options.Clock.Now,
		"stamp":   view.Stamp,
		"ago":     func(at time.Time) string { return view.Relative(at, p.options.Clock.Now()) },
		"until":   func(at time.Time) string { return view.Until(at, p.options.Clock.Now()) },
		"took":    took,
		"who":     view.Who,
		"short":   short,
		"visit":   p.options.Visit,
		"runbook": func(code string) string { return runbooks.Name(code) },
		"tone":    tone,
		"words":   func(s any) string { return strings.ReplaceAll(fmt.Sprint(s), "_", " ") },
		"list":    func(all ...any) []any { return all },
		"plus":    func(a, b float64) float64 { return a + b },
		"inc":     func(i int) int { return i + 1 },
		"cut":     cut,
		"scopes":  fleet.Scopes,
		"next":    view.EndNext,
		"staged":  view.Staged,
		"bytes":   view.Bytes,
	}
	shared, err := template.New("").Funcs(functions).ParseFS(files, "pages/layout.html", "pages/parts.html", "pages/ending.html")
	if err != nil {
		return nil, err
	}
	all := pages{}
	names := []string{"form", "welcome", "trouble", "sign-in", "overview", "signups", "instances", "instance", "executions", "execution", "source", "incidents"}
	for _, name := range names {
		own, err := shared.Clone()
		if err == nil {
			own, err = own.ParseFS(files, "pages/"+name+".html")
		}
		if err != nil {
			return nil, err
		}
		all[name] = own
	}
	return all, nil
}

// frame is what the layout shows around a page.
type frame struct {
	Title string
	// Section is the page's place in the console's navigation; Operator says that somebody has signed in.
	Section  string
	Operator bool
	Notice   *notice
	// Once makes the page's forms good for one request.
	Once  string
	Speed float64
	// Refresh is after how many milliseconds the page is fetched again, since its content changes by itself; 0 for never.
	Refresh int
	Page    any
}

// How often a page is fetched again on which something moves, or something may begin, in milliseconds.
const (
	moving  = 2000
	waiting = 5000
)

// refreshed is how often, by whether something moves now.
func refreshed(moves bool) int {
	if moves {
		return moving
	}
	return waiting
}

func (f frame) with(page any) frame {
	f.Page = page
	return f
}

// Kept is what was typed into the form of an action that was refused.
func (f frame) Kept(form, field string) string {
	if f.Notice == nil || f.Notice.Form != form {
		return ""
	}
	return f.Notice.Input.Get(field)
}

// frame begins a page, for a visitor with a session or for one without.
func (p *Portal) frame(s *session, title string) frame {
	f := frame{Title: title, Speed: p.options.Speed}
	if s != nil {
		f.Operator, f.Once, f.Notice = true, mintID(), s.told()
	}
	return f
}

// show writes a page, or nothing of it.
func (ps pages) show(w http.ResponseWriter, status int, name string, f frame) {
	var b bytes.Buffer
	if err := ps[name].ExecuteTemplate(&b, "layout", f); err != nil {
		http.Error(w, "This page can't be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the browser may be gone
}

// took is a length of time as workflows need it: "0.4 s", "2 min 05 s".
func took(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", max(0, d.Seconds()))
	}
	whole := int(d.Round(time.Second).Seconds())
	return fmt.Sprintf("%d min %02d s", whole/60, whole%60)
}

// short is the beginning of an id that tells it from others on a page.
func short(id string) string {
	if len(id) > 8 {
		return id[:8]
	}
	return id
}

// cut is a text, shortened to so many characters.
func cut(s string, length int) string {
	if r := []rune(s); len(r) > length {
		return string(r[:length-1]) + "…"
	}
	return s
}

// tone is how a state, status or outcome looks: good, busy, wait, bad or over.
func tone(of any) string {
	switch strings.ToLower(fmt.Sprint(of)) {
	case "active", "created", "sent", "succeeded", "completed", "done", "verified":
		return "good"
	case "provisioning", "maintenance", "admitted", "removing", "intended", "sending", "running", "now", "making", "sealed", "closing", "terminating":
		return "busy"
	case "requested", "approved", "suspended", "again", "notice", "grace":
		return "wait"
	case "dirty", "unknown", "failed", "timed_out":
		return "bad"
	}
	return "over"
}
