package twilio

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// service is a Messaging Service as it is kept.
type service struct {
	SID      string    `json:"sid"`
	Account  string    `json:"account"`
	Name     string    `json:"name"`
	Inbound  string    `json:"inbound,omitempty"`
	Status   string    `json:"status,omitempty"`
	OnNumber bool      `json:"on_number,omitempty"` // a number's own webhook goes before Inbound
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
	Visible  time.Time `json:"visible"`
}

// serviceDocument is a Messaging Service on the wire.
type serviceDocument struct {
	SID                       string            `json:"sid"`
	AccountSID                string            `json:"account_sid"`
	FriendlyName              string            `json:"friendly_name"`
	DateCreated               string            `json:"date_created"`
	DateUpdated               string            `json:"date_updated"`
	InboundRequestURL         *string           `json:"inbound_request_url"`
	InboundMethod             string            `json:"inbound_method"`
	FallbackURL               *string           `json:"fallback_url"`
	FallbackMethod            string            `json:"fallback_method"`
	StatusCallback            *string           `json:"status_callback"`
	StickySender              bool              `json:"sticky_sender"`
	MMSConverter              bool              `json:"mms_converter"`
	SmartEncoding             bool              `json:"smart_encoding"`
	ScanMessageContent        string            `json:"scan_message_content"`
	FallbackToLongCode        bool              `json:"fallback_to_long_code"`
	AreaCodeGeomatch          bool              `json:"area_code_geomatch"`
	SynchronousValidation     bool              `json:"synchronous_validation"`
	ValidityPeriod            int               `json:"validity_period"`
	Usecase                   string            `json:"usecase"`
	USAppToPersonRegistered   bool              `json:"us_app_to_person_registered"`
	UseInboundWebhookOnNumber bool              `json:"use_inbound_webhook_on_number"`
	URL                       string            `json:"url"`
	Links                     map[string]string `json:"links"`
}

// showService shows a service as messaging/v1 does: dates in ISO 8601, absolute addresses, null for what is not set.
func showService(r *http.Request, v service) serviceDocument {
	self := at(r, &url.URL{Path: "/v1/Services/" + v.SID})
	return serviceDocument{
		SID: v.SID, AccountSID: v.Account, FriendlyName: v.Name,
		DateCreated: v.Created.UTC().Format(time.RFC3339), DateUpdated: v.Updated.UTC().Format(time.RFC3339),
		InboundRequestURL: unset(v.Inbound), InboundMethod: "POST", FallbackMethod: "POST", StatusCallback: unset(v.Status),
		StickySender: true, MMSConverter: true, SmartEncoding: true, AreaCodeGeomatch: true, ScanMessageContent: "inherit",
		ValidityPeriod: 36000, Usecase: "undeclared", UseInboundWebhookOnNumber: v.OnNumber,
		URL: self, Links: map[string]string{"phone_numbers": self + "/PhoneNumbers"},
	}
}

func unset(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func (s *Sim) listServices(r *http.Request, caller *account) reply {
	now := s.options.Clock.Now()
	byID := map[string]service{}
	var ids []string
	for _, v := range s.state.Services {
		if v.Account == caller.SID && !v.Visible.After(now) {
			byID[v.SID] = v
			ids = append(ids, v.SID)
		}
	}
	return pagedWithMeta(r, "services", ids, func(sid string) any { return showService(r, byID[sid]) })
}

func (s *Sim) createService(r *http.Request, caller *account) reply {
	now := s.options.Clock.Now()
	v := service{Account: caller.SID, Created: now, Updated: now, Visible: s.options.VisibleAt(r)}
	if !r.PostForm.Has("FriendlyName") || !v.set(r) {
		return refuse(http.StatusBadRequest, codeInvalid)
	}
	// A closed account's services count as long as they are there.
	if len(s.state.Services) >= s.MaxServices {
		return refuse(http.StatusBadRequest, codeMaximumServices)
	}
	v.SID = "MG" + s.mint("service")
	s.state.Services = append(s.state.Services, v)
	return reply{http.StatusCreated, showService(r, v)}
}

func (s *Sim) fetchService(r *http.Request, caller *account) reply {
	i := s.service(r, caller)
	if i < 0 {
		return refuse(http.StatusNotFound, codeNotFound)
	}
	return reply{http.StatusOK, showService(r, s.state.Services[i])}
}

func (s *Sim) updateService(r *http.Request, caller *account) reply {
	i := s.service(r, caller)
	if i < 0 {
		return refuse(http.StatusNotFound, codeNotFound)
	}
	v := s.state.Services[i]
	if !v.set(r) {
		return refuse(http.StatusBadRequest, codeInvalid)
	}
	v.Updated = s.options.Clock.Now()
	s.state.Services[i] = v
	return reply{http.StatusOK, showService(r, v)}
}

func (s *Sim) deleteService(r *http.Request, caller *account) reply {
	i := s.service(r, caller)
	if i < 0 {
		return refuse(http.StatusNotFound, codeNotFound)
	}
	s.state.Services = slices.Delete(s.state.Services, i, i+1)
	return reply{status: http.StatusNoContent}
}

// service gives the index of the service that a path names, -1 unless it is the caller's own: not even the parent reaches a
// subaccount's.
func (s *Sim) service(r *http.Request, caller *account) int {
	return slices.IndexFunc(s.state.Services, func(v service) bool { return v.SID == r.PathValue("sid") && v.Account == caller.SID })
}

// Callbacks tells what a Messaging Service calls: for messages received, and for the delivery of those sent.
func (s *Sim) Callbacks(sid string) (inbound, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.state.Services {
		if v.SID == sid {
			return v.Inbound, v.Status
		}
	}
	return "", ""
}

// set takes what a form sets. It is false where the form is no form, or a value no good; the service is void then.
func (v *service) set(r *http.Request) bool {
	if !isForm(r) {
		return false
	}
	form := r.PostForm
	if form.Has("FriendlyName") {
		v.Name = form.Get("FriendlyName")
	}
	for field, into := range map[string]*string{"InboundRequestUrl": &v.Inbound, "StatusCallback": &v.Status} {
		if !form.Has(field) {
			continue
		}
		*into = form.Get(field)
		if u, err := url.Parse(*into); err != nil || *into != "" && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
			return false
		}
	}
	if text := form.Get("UseInboundWebhookOnNumber"); text != "" {
		on, err := strconv.ParseBool(text)
		if err != nil {
			return false
		}
		v.OnNumber = on
	}
	return v.Name != "" && utf8.RuneCountInString(v.Name) <= longestName
}
