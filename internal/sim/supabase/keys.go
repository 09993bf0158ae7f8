package supabase

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"time"
)

// keys are a project's four API keys: two legacy JWTs and a pair of the newer kind.
type keys struct {
	Anonymous   string    `json:"anonymous"`
	Service     string    `json:"service"`
	Publishable string    `json:"publishable"`
	Secret      string    `json:"secret"`
	NewIDs      [2]string `json:"new_ids"` // of the newer kind, in that order
	Created     time.Time `json:"created"`
	// LegacyOff: the gateway refuses the legacy keys. They stay what they are.
	LegacyOff bool `json:"legacy_off,omitempty"`
}

func (k keys) known(key string) bool { return k.legacy(key) || key == k.Publishable || key == k.Secret }

func (k keys) legacy(key string) bool { return key == k.Anonymous || key == k.Service }

func getLegacyKeys(_ *http.Request, p *project, _ time.Time) answer {
	return ok(map[string]any{"enabled": !p.Keys.LegacyOff})
}

func updateLegacyKeys(r *http.Request, p *project, now time.Time) answer {
	enabled := r.URL.Query().Get("enabled")
	switch {
	case enabled != "true" && enabled != "false":
		return invalid("enabled must be a boolean string")
	case p.status(now) != "ACTIVE_HEALTHY":
		return failed(http.StatusBadRequest, "Project is not active.")
	}
	p.Keys.LegacyOff = enabled == "false"
	return getLegacyKeys(r, p, now)
}

// LegacyKeys reports whether a project's gateway takes its anonymous and its service key.
func (s *Sim) LegacyKeys(ref string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(ref)
	return p != nil && !p.Keys.LegacyOff
}

func newKeys(r *rand.Rand, ref string, now time.Time) keys {
	signing := []byte(letters(r, 40, alphanumeric))
	return keys{
		Anonymous:   token(signing, ref, "anon", now),
		Service:     token(signing, ref, "service_role", now),
		Publishable: "sb_publishable_" + letters(r, 31, alphanumeric),
		Secret:      "sb_secret_" + letters(r, 31, alphanumeric),
		NewIDs:      [2]string{newUUID(r), newUUID(r)},
		Created:     now,
	}
}

// keyLife is how long a legacy key is valid.
const keyLife = 10 * 365 * 24 * time.Hour

// token is a JWT signed with HS256.
func token(signing []byte, ref, role string, now time.Time) string {
	claims := struct {
		Issuer  string `json:"iss"`
		Ref     string `json:"ref"`
		Role    string `json:"role"`
		Issued  int64  `json:"iat"`
		Expires int64  `json:"exp"`
	}{"supabase", ref, role, now.Unix(), now.Add(keyLife).Unix()}
	// Strings and numbers always marshal.
	payload, _ := json.Marshal(claims)
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(payload)
	mac := hmac.New(sha256.New, signing)
	// Writing to a hash never fails.
	_, _ = mac.Write([]byte(text))
	return text + "." + encode(mac.Sum(nil))
}

// listAPIKeys shows no keys before the project is up; the secret one only when asked to.
func listAPIKeys(r *http.Request, p *project, now time.Time) answer {
	list := []map[string]any{}
	if status := p.status(now); status == "UNKNOWN" || status == "COMING_UP" {
		return ok(list)
	}
	secret := p.Keys.Secret
	if r.URL.Query().Get("reveal") != "true" {
		secret = secret[:len("sb_secret_")+5] + "***"
	}
	list = append(list,
		key("anon", "anon", "legacy", p.Keys.Anonymous, p.Keys.Created),
		key("service_role", "service_role", "legacy", p.Keys.Service, p.Keys.Created),
		key(p.Keys.NewIDs[0], "default", "publishable", p.Keys.Publishable, p.Keys.Created),
		key(p.Keys.NewIDs[1], "default", "secret", secret, p.Keys.Created),
	)
	return ok(list)
}

func key(id, name, kind, value string, created time.Time) map[string]any {
	k := map[string]any{
		"id": id, "name": name, "type": kind, "api_key": value, "prefix": value[:5], "description": nil, "hash": nil,
		"secret_jwt_template": nil, "inserted_at": nil, "updated_at": nil,
	}
	if kind != "legacy" {
		k["inserted_at"], k["updated_at"] = stamp(created), stamp(created)
	}
	return k
}
