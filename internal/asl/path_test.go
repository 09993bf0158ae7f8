package asl

import (
	"strings"
	"testing"
)

func TestPathFinds(t *testing.T) {
	const document = `{"a":{"b":[10,{"c":null}],"d e":1,"ü-1_x":2},"list":[[1,2],[3]]}`
	root, err := decode([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	for path, found := range map[string]string{
		"$":                  "",
		"$.a.b[0]":           "10",
		"$.a.b[1].c":         "null",
		"$['a']['d e']":      "1",
		`$["a"]["b"][1]`:     `{"c":null}`,
		"$.a.ü-1_x":          "2",
		"$.list[0][1]":       "2",
		"$.list[2]":          "No results for path: $['list'][2]",
		"$.a.x":              "No results for path: $['a']['x']",
		"$.x.y":              "Missing property in path $['x']",
		"$.a.b.c":            "No results for path: $['a']['b']['c']",
		"$[0]":               "No results for path: $[0]",
		"$.list[1][0].never": "No results for path: $['list'][1][0]['never']",
	} {
		p, err := parsePath(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		value, missing := p.get(root)
		switch {
		case path == "$":
			sameJSON(t, path, []byte(text(value)), document)
		case missing < 0:
			want(t, path, text(value), found)
		case !strings.HasSuffix(p.reason(missing), found):
			t.Errorf("%s: %q, want %q", path, p.reason(missing), found)
		}
	}
}

func TestPathRefused(t *testing.T) {
	for _, path := range []string{"", "a", "$a", "$.", "$..a", "$.*", "$.a[*]", "$.a[-1]", "$.a[1:2]", "$.a[?(@.b)]", "$.a[01]",
		"$.a[]", "$.a[", "$['a','b']", "$['a", "$['']", `$['a\'b']`, "$.a b", "$.a.", "$.length()", "$[99999999999]", "States.Format('')",
		"$$.Task.Token", "$$.Map.Item.Value", "$$.Execution.RedriveCount", "$$.a", "$$[0]"} {
		if _, err := parsePath(path); err == nil {
			t.Errorf("%q was accepted", path)
		}
	}
}

func TestPathSets(t *testing.T) {
	for _, c := range []struct{ root, path, output string }{
		{`{"a":1}`, "$", `"new"`},
		{`{"a":1}`, "$.a", `{"a":"new"}`},
		{`{"a":1}`, "$.b", `{"a":1,"b":"new"}`},
		{`{"a":1}`, "$.b.c['d']", `{"a":1,"b":{"c":{"d":"new"}}}`},
		{`{"a":{"b":1,"c":2}}`, "$.a.b", `{"a":{"b":"new","c":2}}`},
		{`{"a":[1,2]}`, "$.a[1]", `{"a":[1,"new"]}`},
		{`{"a":[1,2]}`, "$.a[2]", ``},
		{`{"a":1}`, "$.a.b", ``},
		{`{"a":null}`, "$.a.b", ``},
		{`{"a":1}`, "$.b[0]", ``},
		{`"text"`, "$.a", ``},
		{`[1]`, "$.a", ``},
	} {
		root, err := decode([]byte(c.root))
		if err != nil {
			t.Fatal(err)
		}
		p, err := parsePath(c.path)
		if err != nil {
			t.Fatal(err)
		}
		output, err := p.set(root, "new")
		switch {
		case c.output == "" && err == nil:
			t.Errorf("%s at %s: no error but %s", c.root, c.path, text(output))
		case c.output != "" && err != nil:
			t.Errorf("%s at %s: %v", c.root, c.path, err)
		case c.output != "":
			sameJSON(t, c.path, []byte(text(output)), c.output)
		}
		sameJSON(t, "the root stays", []byte(text(root)), c.root)
	}
}

func FuzzPath(f *testing.F) {
	for _, seed := range []string{"$", "$.a.b[0]", "$['a b'][\"c\"]", "$$.Execution.Input.x", "$..a", "$.a[*]", "$[0][1]"} {
		f.Add(seed, `{"a":{"b":[1]}}`)
	}
	f.Fuzz(func(t *testing.T, s, document string) {
		p, err := parsePath(s)
		if err != nil {
			return
		}
		root, err := decode([]byte(document))
		if err != nil {
			return
		}
		before := text(root)
		changed, err := p.set(root, "set")
		if err == nil {
			if value, missing := p.get(changed); missing >= 0 || value != "set" {
				t.Errorf("%q: set and not found", s)
			}
		}
		if _, missing := p.get(root); missing >= len(p.steps) {
			t.Errorf("%q: missing step %d", s, missing)
		} else if missing >= 0 {
			_ = p.reason(missing) // must not panic
		}
		want(t, "the root stays", text(root), before)
	})
}
