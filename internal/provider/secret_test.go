package provider_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/provider"
)

// holder has a secret wherever one may be.
type holder struct {
	Open    provider.Secret
	Pointer *provider.Secret
	Any     any
	List    []provider.Secret
	Map     map[string]provider.Secret
	hidden  provider.Secret
	deep    struct{ list []provider.Secret }
}

const hunter = "hunter2"

func newHolder() holder {
	s := provider.NewSecret(hunter)
	h := holder{Open: s, Pointer: &s, Any: s, List: []provider.Secret{s}, Map: map[string]provider.Secret{"k": s}, hidden: s}
	h.deep.list = []provider.Secret{s}
	return h
}

// wantHidden judges that a text shows nothing of the secret, in hexadecimal or bytes either.
func wantHidden(t *testing.T, how, text string) {
	t.Helper()
	for _, form := range []string{hunter, fmt.Sprintf("%x", hunter), fmt.Sprintf("%X", hunter), fmt.Sprint([]byte(hunter)), fmt.Sprintf("% x", hunter)} {
		if strings.Contains(text, form) {
			t.Errorf("%s shows the secret: %s", how, text)
		}
	}
}

func TestSecretIsNeverFormatted(t *testing.T) {
	s, h := provider.NewSecret(hunter), newHolder()
	_, _ = h.hidden, h.deep
	for _, verb := range strings.Split("%v %+v %#v %s %q %x %X %d %b %o %c %U %t %e %g %p %T %20v %-8s %.3s %#q %+q %w %!", " ") {
		for name, value := range map[string]any{"secret": s, "pointer": &s, "slice": []provider.Secret{s}, "map": map[string]provider.Secret{"k": s},
			"map key": map[provider.Secret]int{s: 1}, "struct": h, "struct's pointer": &h, "any": []any{s, &s}} {
			wantHidden(t, verb+" of a "+name, fmt.Sprintf(verb, value))
		}
	}
	wantHidden(t, "Sprint", fmt.Sprint(s, h, &h))
	wantHidden(t, "Sprintln", fmt.Sprintln(s, h, &h))
	for _, verb := range strings.Fields("%v %+v %#v %s %q %x %d %t %5.1f") {
		if text := fmt.Sprintf(verb, s); text != "[redacted]" {
			t.Errorf("%s gives %q", verb, text)
		}
	}
	if s.String() != "[redacted]" || s.GoString() != "[redacted]" {
		t.Errorf("%q, %q", s.String(), s.GoString())
	}
}

func TestSecretIsNeverLogged(t *testing.T) {
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			s, h := provider.NewSecret(hunter), newHolder()
			slog.New(handler(&out)).With("with", s).WithGroup("g").Info("message", "secret", s, "pointer", &s, "holder", h, "list", h.List,
				"any", slog.AnyValue(s), "error", fmt.Errorf("failed with %v", s))
			wantHidden(t, "the log", out.String())
			if strings.Count(out.String(), "[redacted]") < 6 {
				t.Errorf("the log: %s", out.String())
			}
		})
	}
}

func TestSecretIsNeverMarshalled(t *testing.T) {
	h := newHolder()
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	wantHidden(t, "JSON", string(text))
	keys, err := json.Marshal(map[provider.Secret]int{h.Open: 1})
	if err != nil {
		t.Fatal(err)
	}
	wantHidden(t, "JSON of a key", string(keys))
	if text, err = json.Marshal(h.Open); err != nil || string(text) != `"[redacted]"` {
		t.Errorf("%s, %v", text, err)
	}
	if text, err = xml.Marshal(h.Open); err != nil || !strings.Contains(string(text), "[redacted]") {
		t.Errorf("%s, %v", text, err)
	}
	wantHidden(t, "XML", string(text))
}

func TestSecretInErrors(t *testing.T) {
	s := provider.NewSecret(hunter)
	err := fmt.Errorf("a: %w", errors.Join(fmt.Errorf("b: %s", s), fmt.Errorf("c: %+v", newHolder())))
	wantHidden(t, "an error", err.Error())
	wantHidden(t, "an error with %#v", fmt.Sprintf("%#v", err))
}

func TestReveal(t *testing.T) {
	for _, value := range []string{"", " ", hunter, "[redacted]", strings.Repeat("x", 10_000)} {
		s := provider.NewSecret(value)
		if s.Reveal() != value || s.Empty() != (value == "") {
			t.Errorf("%q reads %q, empty %t", value, s.Reveal(), s.Empty())
		}
		if s != provider.NewSecret(value) || s == provider.NewSecret(value+"x") {
			t.Errorf("%q does not compare by its value", value)
		}
	}
	if zero := (provider.Secret{}); zero.Reveal() != "" || !zero.Empty() || zero.String() != "[redacted]" {
		t.Error("the zero secret is not an empty one")
	}
}
