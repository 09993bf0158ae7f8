package contract

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// strangers lists what a request sends that its operation doesn't declare: query parameters, and fields at the top of
// a form or JSON body. Vendors ignore most of these silently, so a misspelt one would go unnoticed.
func (c *call) strangers(req *http.Request, body []byte) []string {
	var names []string
	for name := range req.URL.Query() {
		if !c.declares(openapi3.ParameterInQuery, name) {
			names = append(names, "query parameter "+name)
		}
	}
	kind, fields := fields(req, body)
	if known, open := c.fields(kind); !open {
		for _, name := range fields {
			if !known[name] {
				names = append(names, "body field "+name)
			}
		}
	}
	slices.Sort(names)
	return names
}

func (c *call) declares(in, name string) bool {
	for _, list := range []openapi3.Parameters{c.route.Operation.Parameters, c.route.PathItem.Parameters} {
		for _, ref := range list {
			p := ref.Value
			if p == nil || p.In != in {
				continue
			}
			// An exploded object's fields are parameters of their own.
			if p.Name == name || p.Style == openapi3.SerializationDeepObject ||
				(p.Schema != nil && p.Schema.Value != nil && p.Schema.Value.Type.Is("object")) {
				return true
			}
		}
	}
	return false
}

// fields lists the top-level fields of a form or JSON object, with the body's media type.
func fields(req *http.Request, body []byte) (kind string, names []string) {
	kind, _, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil || len(body) == 0 {
		return kind, nil
	}
	switch kind {
	case "application/json":
		var object map[string]json.RawMessage
		if json.Unmarshal(body, &object) == nil {
			for name := range object {
				names = append(names, name)
			}
		}
	case "application/x-www-form-urlencoded":
		if form, err := url.ParseQuery(string(body)); err == nil {
			for name := range form {
				names = append(names, name)
			}
		}
	}
	return kind, names
}

// fields gives the declared fields of a request body; open means that others are welcome too.
func (c *call) fields(kind string) (known map[string]bool, open bool) {
	body := c.route.Operation.RequestBody
	if body == nil || body.Value == nil {
		return nil, true
	}
	content := body.Value.Content.Get(kind)
	if content == nil || content.Schema == nil {
		return nil, true
	}
	known = map[string]bool{}
	open = collect(content.Schema, known, 0)
	return known, open
}

// collect gathers the fields of a schema and of those it is composed of.
func collect(ref *openapi3.SchemaRef, known map[string]bool, depth int) (open bool) {
	const deepest = 10 // documents may refer to themselves
	if ref == nil || ref.Value == nil || depth > deepest {
		return true
	}
	s := ref.Value
	if extra := s.AdditionalProperties; extra.Schema != nil || (extra.Has != nil && *extra.Has) {
		return true
	}
	for name := range s.Properties {
		known[name] = true
	}
	composed := slices.Concat(s.AllOf, s.OneOf, s.AnyOf)
	for _, part := range composed {
		open = collect(part, known, depth+1) || open
	}
	return open || (len(s.Properties) == 0 && len(composed) == 0)
}
