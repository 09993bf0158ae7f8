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
		value, err := p.get(root)
		switch {
		case path == "$":
			sameJSON(t, path, []byte(text(value)), document)
		case err == nil:
			want(t, path, text(value), found)
		case !strings.HasSuffix(err.Error(), found):
			t.Errorf("%s: %q, want %q", path, err, found)
		}
	}
}

func TestPathRefused(t *testing.T) {
	for _, path := range []string{"", "a", "$a", "$.", "$.a[01]", "$.a[]", "$.a[", "$['a", "$['']", `$['a\'b']`, "$.a b", "$.a.",
		"$.length()", "$[99999999999]", "States.Format('')", "$$.Map.Index", "$$.a", "$$[0]", "$$.*", "$$..Id",
		"$.a[-0]", "$.a[:]", "$.a[1:-1]", "$.a[-1:1]", "$.a[1:2:3]", "$..[0].a", "$..['a','b']", "$..[?(@.a)]", "$...a", "$..",
		"$.a[?(@.b =~ /x/)]", "$.a[?(@.b in ['x'])]", "$.a[?(@.b == 'x)]", "$.a[?(@.b == 1x)]", "$.a[?()]", "$.a[?(@.b]", "$.a[?@.b]",
		"$.a[?(1)]", "$.a[?(!@.b == 1)]", "$.a[?(@..b)]", "$.a[?(@.b.length() > 1)]", "$.a[?(@.b == nullx)]", "$.a[?(@.b === 1)]",
		"$.a[?(" + strings.Repeat("(", 60) + "@.b" + strings.Repeat(")", 60) + ")]"} {
		if _, err := parsePath(path); err == nil {
			t.Errorf("%q was accepted", path)
		}
	}
}

// TestReferencePaths: fields that need a reference path don't get another one.
func TestReferencePaths(t *testing.T) {
	for path, reference := range map[string]bool{"$": true, "$.a['b'][0]": true, "$.abc.['def ghi']": true, "$$.Map.Item.Value.a": true,
		"$..a": false, "$.*": false, "$.a[*]": false, "$.a[-1]": false, "$.a[1:2]": false, "$.a[?(@.b)]": false, "$['a','b']": false, "$.a[0,1]": false} {
		p, err := parsePath(path)
		if err != nil || p.query == reference {
			t.Errorf("%s: %v, query %v", path, err, p.query)
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
	for _, seed := range []string{"$.a[?(@.b > 1 && !(@.c == 'x' || @.d))].e", "$..a[-1]", "$['a','b'].c", "$[0,2:]", "$.a[:-1].*"} {
		f.Add(seed, `{"a":[{"b":2,"c":"y","e":null}]}`)
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
		value, err := p.get(root)
		switch {
		case err != nil && err.Error() == "":
			t.Errorf("%q: an error without words", s)
		case err == nil && !p.definite():
			if _, ok := value.([]any); !ok {
				t.Errorf("%q finds %s, no array", s, text(value))
			}
		}
		if p.query { // set is for reference paths
			want(t, "the root stays", text(root), before)
			return
		}
		if changed, err := p.set(root, "set"); err == nil {
			if value, err := p.get(changed); err != nil || value != "set" {
				t.Errorf("%q: set and not found", s)
			}
		}
		want(t, "the root stays", text(root), before)
	})
}
