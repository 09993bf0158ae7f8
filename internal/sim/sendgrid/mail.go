package sendgrid

import (
	"maps"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"time"
)

// Mail is a message that was accepted, for one recipient.
type Mail struct {
	ID         string            `json:"id"` // as in X-Message-Id
	At         time.Time         `json:"at"`
	Subuser    string            `json:"subuser,omitempty"` // empty for the parent
	From       string            `json:"from"`
	FromName   string            `json:"from_name,omitempty"`
	To         string            `json:"to"`
	ToName     string            `json:"to_name,omitempty"`
	Subject    string            `json:"subject"`
	Text       string            `json:"text,omitempty"`
	HTML       string            `json:"html,omitempty"`
	CustomArgs map[string]string `json:"custom_args,omitempty"`
}

// Sent lists the accepted messages, oldest first.
func (s *Sim) Sent() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.state.Mails)
}

type address struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

func (a address) valid() bool {
	parsed, err := mail.ParseAddress(a.Email)
	return err == nil && parsed.Address == a.Email
}

// envelope is the body of a sending.
type envelope struct {
	Personalizations []struct {
		To         []address         `json:"to"`
		Subject    string            `json:"subject"`
		CustomArgs map[string]string `json:"custom_args"`
	} `json:"personalizations"`
	From       address `json:"from"`
	Subject    string  `json:"subject"`
	TemplateID string  `json:"template_id"`
	Content    []struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	} `json:"content"`
	Settings struct {
		Sandbox struct {
			Enable bool `json:"enable"`
		} `json:"sandbox_mode"`
	} `json:"mail_settings"`
}

// wrong says which field of e is, by itself.
func (e envelope) wrong() (field, message string) {
	if len(e.Personalizations) == 0 {
		return "personalizations", "The personalizations field is required and must have at least one personalization."
	}
	for _, p := range e.Personalizations {
		switch {
		case len(p.To) == 0:
			return "personalizations.to", "The to array is required for all personalization objects."
		case slices.ContainsFunc(p.To, func(a address) bool { return !a.valid() }):
			return "personalizations.to.email", "Does not contain a valid address."
		case e.Subject == "" && p.Subject == "" && e.TemplateID == "":
			return "subject", "The subject is required."
		}
	}
	if !e.From.valid() {
		return "from.email", "The from email does not contain a valid address."
	}
	if len(e.Content) == 0 && e.TemplateID == "" {
		return "content", "The content field is required unless there is a template."
	}
	for i, c := range e.Content {
		switch {
		case c.Type == "" || c.Value == "":
			return "content.value", "The content value must be a string at least one character in length."
		case c.Type == "text/plain" && i > 0:
			return "content", "If present, text/plain must be first, followed by text/html."
		}
	}
	return "", ""
}

// send accepts a message. Every recipient is kept as a Mail of their own. In sandbox mode nothing is sent.
func (s *Sim) send(w http.ResponseWriter, r *http.Request, a actor) {
	var e envelope
	if !decode(w, r, &e) {
		return
	}
	if field, message := e.wrong(); field != "" {
		refuse(w, http.StatusBadRequest, field, message)
		return
	}
	if e.Settings.Sandbox.Enable {
		w.WriteHeader(http.StatusOK)
		return
	}
	now := s.options.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.maySend(a, e.From.Email) {
		refuse(w, http.StatusForbidden, "from", "The from address does not match a verified Sender Identity.")
		return
	}
	id := letters(s.next("mail", e.Personalizations[0].To[0].Email), 22)
	for _, p := range e.Personalizations {
		for _, to := range p.To {
			m := Mail{
				ID: id, At: now, Subuser: a.name, From: e.From.Email, FromName: e.From.Name, To: to.Email, ToName: to.Name,
				Subject: e.Subject, CustomArgs: maps.Clone(p.CustomArgs),
			}
			if p.Subject != "" {
				m.Subject = p.Subject
			}
			for _, c := range e.Content {
				switch c.Type {
				case "text/plain":
					m.Text = c.Value
				case "text/html":
					m.HTML = c.Value
				}
			}
			s.state.Mails = append(s.state.Mails, m)
		}
	}
	w.Header().Set("X-Message-Id", id)
	w.WriteHeader(http.StatusAccepted)
}

// maySend reports whether an address is a verified sender, or its domain authenticated and valid; s.mu is held.
func (s *Sim) maySend(a actor, from string) bool {
	if a.name == "" && slices.ContainsFunc(s.config.Senders, func(v string) bool { return strings.EqualFold(v, from) }) {
		return true
	}
	_, host, _ := strings.Cut(strings.ToLower(from), "@")
	return slices.ContainsFunc(s.state.Domains, func(d domain) bool {
		return d.Owner == a.name && d.Valid && d.Domain == host
	})
}
