package portal

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// action is a button of the console: one request of the operators' API.
type action struct {
	// api is the request's path, with the page's own {id}.
	api string
	// body makes the request's document; nil for none.
	body func(typed url.Values) any
	// answer is what the API's document is decoded into, and said what the operator is told of it.
	answer func() any
	said   func(answer any) string
	// check says why nothing is sent for the instance of the page's {id}; empty where it is. Nil lets everything be sent.
	check func(view.Instance, url.Values) string
}

// did makes an action of a document of type T.
func did[T any](api string, body func(url.Values) any, said func(T) string) action {
	return action{api: api, body: body, answer: func() any { return new(T) }, said: func(a any) string { return said(*a.(*T)) }}
}

// checked is the action with a check.
func (a action) checked(check func(view.Instance, url.Values) string) action {
	a.check = check
	return a
}

// actions are all, by the pattern of their page's address under /console/.
func actions() map[string]action {
	all := endingActions()
	maps.Copy(all, livingActions())
	return all
}

// livingActions are those of signups, of what is there, and of the fleet.
func livingActions() map[string]action {
	return map[string]action{
		"signups/{id}/approve": did("/signups/{id}/approve", nil, func(s view.SignupStatus) string {
			return s.Slug + " is approved. Its provisioning begins as soon as a slot is free."
		}),
		"signups/{id}/reject": did("/signups/{id}/reject", func(typed url.Values) any {
			return map[string]string{"reason": typed.Get("reason")}
		}, func(s view.SignupStatus) string { return s.Slug + " is rejected. Its short name is free again." }),
		"instances/{id}/cancel": did("/instances/{id}/cancel", nil, func(o view.Operation) string {
			if o.Operation == "" {
				return "The signup is cancelled. Nothing was made for it yet."
			}
			return "It is undone: execution " + o.Execution + "."
		}).checked(confirmed(func(i view.Instance) bool { return i.State == fleet.Provisioning })),
		"instances/{id}/retry": did("/instances/{id}/retry", nil, func(o view.Operation) string {
			return "It goes on: execution " + o.Execution + "."
		}),
		"instances/{id}/suspend": did("/instances/{id}/suspend", func(typed url.Values) any {
			return view.Suspend{Reason: fleet.SuspensionReason(typed.Get("reason")), Note: typed.Get("note")}
		}, func(o view.Operation) string { return "It is being suspended: execution " + o.Execution + "." }),
		"instances/{id}/resume": did("/instances/{id}/resume", nil, func(o view.Operation) string {
			return "It is being resumed: execution " + o.Execution + "."
		}),
		"instances/{id}/resend": did("/instances/{id}/resend", func(typed url.Values) any {
			return view.Resend{Message: typed.Get("message")}
		}, func(o view.Operation) string {
			if o.Message == nil {
				return "The message was sent once more."
			}
			return fmt.Sprintf("Message %s: %s.", o.Message.ID, o.Message.Status)
		}),
		"incidents/acknowledge": did("/incidents/acknowledge", func(typed url.Values) any {
			return view.Acknowledgement{InstanceID: typed.Get("instance"), ID: typed.Get("incident"), Close: typed.Get("close") == "yes"}
		}, func(i fleet.Incident) string {
			if i.ClosedAt.IsZero() {
				return "You see to it. " + i.NextAction
			}
			return "The incident is closed."
		}),
		"freeze": did("/freeze", func(typed url.Values) any {
			return view.FreezeRequest{Scope: typed.Get("scope"), Reason: typed.Get("reason")}
		}, func(view.Frozen) string {
			return "Frozen: nothing new that needs it starts. What runs goes on to its end, but for what can't be undone of a termination, where that is frozen."
		}),
		"thaw": did("/thaw", func(typed url.Values) any {
			return view.FreezeRequest{Scope: typed.Get("scope")}
		}, func(view.Frozen) string { return "Thawed. What waited begins." }),
	}
}

// acting sends an action's request once, and leads back to a page that says what came of it.
func (p *Portal) acting(a action) operatorPage {
	return func(w http.ResponseWriter, r *http.Request, o visitor) error {
		if !readForm(w, r) {
			return nil
		}
		if !o.session.first(r.URL.Path + " " + r.PostForm.Encode()) {
			o.session.tell(notice{Bad: true, Text: "That was sent already. Look what came of it before you do it again."})
			http.Redirect(w, r, back(r.PostForm), http.StatusSeeOther)
			return nil
		}
		answer := a.answer()
		err := a.send(r, o.operator, answer)
		switch why := refused(err); {
		case err == nil:
			o.session.tell(notice{Text: a.said(answer)})
		case why.Status == http.StatusUnauthorized:
			return err
		default:
			o.session.tell(notice{Bad: true, Text: notDone(why), Form: r.URL.Path, Input: r.PostForm})
		}
		http.Redirect(w, r, back(r.PostForm), http.StatusSeeOther)
		return nil
	}
}

// send sends an action's request, unless its check is against it.
func (a action) send(r *http.Request, o operator, answer any) error {
	id := url.PathEscape(r.PathValue("id"))
	if a.check != nil {
		var i view.Instance
		if err := o.get(r.Context(), "/instances/"+id, &i); err != nil {
			return err
		}
		if why := a.check(i, r.PostForm); why != "" {
			return problem{Status: http.StatusUnprocessableEntity, Title: why}
		}
	}
	var document any
	if a.body != nil {
		document = a.body(r.PostForm)
	}
	return o.post(r.Context(), strings.ReplaceAll(a.api, "{id}", id), document, answer)
}

// notDone says in words why something wasn't done, and what to do.
func notDone(why problem) string {
	text := "Not done: " + why.Error()
	for n, name := range slices.Sorted(maps.Keys(why.Fields)) {
		if n == 0 {
			text = "Not done: " + why.Title
		}
		text += fmt.Sprintf(". Mend %s: %s", name, why.Fields[name])
	}
	return strings.TrimSuffix(text, ".") + "."
}

// back is the page that a form was on: one of the console's, whatever the form says.
func back(typed url.Values) string {
	to, err := url.Parse(typed.Get("back"))
	if err != nil || to.Scheme != "" || to.Host != "" || to.User != nil || to.Path != path.Clean(to.Path) ||
		to.Path != "/console" && !strings.HasPrefix(to.Path, "/console/") {
		return "/console"
	}
	return (&url.URL{Path: to.Path, RawQuery: to.RawQuery}).String()
}
