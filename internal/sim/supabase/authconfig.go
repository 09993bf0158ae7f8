package supabase

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// authFields are the names, types and defaults of the Auth settings, from the vendor's OpenAPI document.
//
//go:embed authconfig.json
var authFields []byte

type authField struct {
	Type     string   `json:"type"` // string, boolean, integer or number
	Default  any      `json:"default"`
	Required bool     `json:"required"` // never null
	Fixed    bool     `json:"fixed"`    // can't be set
	Enum     []string `json:"enum"`
}

var authSchema = sync.OnceValues(func() (map[string]authField, error) {
	schema := map[string]authField{}
	err := json.Unmarshal(authFields, &schema)
	return schema, err
})

// authSettings are a project's whole Auth settings.
func (p *project) authSettings() (map[string]any, error) {
	schema, err := authSchema()
	if err != nil {
		return nil, err
	}
	out := make(map[string]any, len(schema))
	for name, field := range schema {
		out[name] = field.Default
		if v, set := p.Auth[name]; set {
			out[name] = v
		}
	}
	return out, nil
}

func getAuthConfig(_ *http.Request, p *project, _ time.Time) answer {
	settings, err := p.authSettings()
	if err != nil {
		return failed(http.StatusInternalServerError, "Failed to retrieve project's auth config")
	}
	return ok(settings)
}

// updateAuthConfig sets what it is given and leaves the rest; fields it doesn't know are ignored.
func updateAuthConfig(r *http.Request, p *project, now time.Time) answer {
	if p.status(now) != "ACTIVE_HEALTHY" {
		return failed(http.StatusBadRequest, "Project is not active.")
	}
	schema, err := authSchema()
	var in map[string]any
	if err != nil || decode(r, &in, false) != nil {
		return invalid("the body is not a JSON object")
	}
	var complaints []string
	for name, v := range in {
		if field, known := schema[name]; known && !field.Fixed && !field.takes(name, v) {
			complaints = append(complaints, fmt.Sprintf("%s must be a valid %s", name, field.Type))
		}
	}
	if len(complaints) > 0 {
		slices.Sort(complaints)
		return invalid(complaints...)
	}
	for name, v := range in {
		if field, known := schema[name]; known && !field.Fixed {
			p.Auth[name] = kept(name, v)
		}
	}
	return getAuthConfig(r, p, now)
}

// takes reports whether a setting can have a value.
func (f authField) takes(name string, v any) bool {
	number, isNumber := v.(float64)
	text, isText := v.(string)
	_, isBool := v.(bool)
	switch {
	case v == nil:
		return !f.Required
	case f.Type == "boolean":
		return isBool
	case f.Type == "number":
		return isNumber
	case f.Type == "integer":
		return isNumber && number == math.Trunc(number) && fits(name, number)
	}
	return isText && (len(f.Enum) == 0 || slices.Contains(f.Enum, text)) && fitsText(name, text)
}

func fits(name string, n float64) bool {
	switch name {
	case "jwt_exp":
		return n >= 0 && n <= 604800
	case "password_min_length":
		return n >= 6 && n <= 32767
	case "smtp_max_frequency":
		return n >= 0 && n <= 32767
	case "mailer_otp_exp":
		return n >= 0 && n <= math.MaxInt32
	case "rate_limit_email_sent", "rate_limit_otp", "rate_limit_verify", "rate_limit_token_refresh", "rate_limit_sms_sent",
		"rate_limit_anonymous_users", "rate_limit_web3":
		return n >= 1 && n <= math.MaxInt32
	}
	return true
}

// fitsText judges what is not any text.
func fitsText(name, text string) bool {
	switch name {
	case "site_url":
		return text != "" && !strings.Contains(text, ",")
	case "uri_allow_list": // a comma list of addresses, which may be empty and may hold wildcards
		for _, one := range strings.Split(text, ",") {
			if one = strings.TrimSpace(one); text != "" && !strings.Contains(one, "://") {
				return false
			}
		}
	case "smtp_admin_email":
		at, err := mail.ParseAddress(text)
		return err == nil && at.Address == text
	case "smtp_port":
		port, err := strconv.ParseUint(text, 10, 16)
		return err == nil && port > 0
	}
	return true
}

// kept is a setting as it is stored and shown: of the mail server's password only a digest.
func kept(name string, v any) any {
	if text, isText := v.(string); isText && name == "smtp_pass" {
		return digest(text)
	}
	return v
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
