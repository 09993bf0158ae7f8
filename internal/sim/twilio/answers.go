package twilio

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Twilio's error codes.
const (
	codeInvalid      = 20001 // invalid parameter
	codeAuthenticate = 20003 // bad credentials, or of the wrong account
	codeNotFound     = 20404
	codeTooMany      = 20429
	codeClosed       = 21479 // the account is closed
	codeMaximum      = 21480 // no further subaccounts
	// codeMaximumServices: no further Messaging Services below this parent.
	codeMaximumServices = 21102
)

// reply is an operation's answer: a JSON document, or none.
type reply struct {
	status   int
	document any
}

// refusal is Twilio's error document.
type refusal struct {
	Code     int    `json:"code"`
	Message  string `json:"message"`
	MoreInfo string `json:"more_info"`
	Status   int    `json:"status"`
}

var messages = map[int]string{
	codeInvalid:      "Invalid parameter",
	codeAuthenticate: "Authenticate",
	codeNotFound:     "The requested resource was not found",
	codeTooMany:      "Too Many Requests",
	codeClosed:       "Account is closed and can not be changed",
	codeMaximum:      "Maximum number of subaccounts reached",

	codeMaximumServices: "Reached maximum number of Services",
}

func refuse(status, code int) reply {
	message := messages[code]
	if message == "" {
		message = http.StatusText(status)
	}
	return reply{status, refusal{
		Code: code, Message: message, Status: status,
		MoreInfo: fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code),
	}}
}

func (r reply) write(w http.ResponseWriter) {
	if r.document == nil {
		w.WriteHeader(r.status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.status)
	// A caller that has hung up is no concern of the vendor's.
	_ = json.NewEncoder(w).Encode(r.document)
}

// Fail answers as Twilio's gateway does: code 20429 for 429, 20500 for 500 and so on.
func (s *Sim) Fail(w http.ResponseWriter, status int, retryAfter time.Duration) {
	if retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(retryAfter.Seconds()))))
	}
	refuse(status, 20000+status).write(w)
}

// accountDocument is an account on the wire.
type accountDocument struct {
	AuthToken       string            `json:"auth_token"`
	DateCreated     string            `json:"date_created"`
	DateUpdated     string            `json:"date_updated"`
	FriendlyName    string            `json:"friendly_name"`
	OwnerAccountSID string            `json:"owner_account_sid"`
	SID             string            `json:"sid"`
	Status          string            `json:"status"`
	SubresourceURIs map[string]string `json:"subresource_uris"`
	Type            string            `json:"type"`
	URI             string            `json:"uri"`
}

func (s *Sim) show(a *account) accountDocument {
	base := "/2010-04-01/Accounts/" + a.SID
	return accountDocument{
		AuthToken: a.Token, DateCreated: date(a.Created), DateUpdated: date(a.Updated),
		FriendlyName: a.Name, OwnerAccountSID: s.parent, SID: a.SID, Status: a.Status,
		SubresourceURIs: map[string]string{
			"keys": base + "/Keys.json", "messages": base + "/Messages.json", "usage": base + "/Usage.json",
		},
		Type: "Full", URI: base + ".json",
	}
}

// keyDocument is a key on the wire; only the answer to its creation has the secret.
type keyDocument struct {
	SID          string `json:"sid"`
	FriendlyName string `json:"friendly_name"`
	DateCreated  string `json:"date_created"`
	DateUpdated  string `json:"date_updated"`
	Secret       string `json:"secret,omitempty"`
}

func showKey(k key) keyDocument {
	return keyDocument{SID: k.SID, FriendlyName: k.Name, DateCreated: date(k.Created), DateUpdated: date(k.Created)}
}

// date is RFC 2822, as all of 2010-04-01 has it.
func date(t time.Time) string { return t.UTC().Format(time.RFC1123Z) }
