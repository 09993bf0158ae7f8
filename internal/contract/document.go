package contract

import (
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

// document is a parsed OpenAPI document with its paths ready to be matched.
type document struct {
	name  string
	spec  *openapi3.T
	base  string // path of the first server's URL
	paths []path
}

// path is one path template of a document.
type path struct {
	template string
	match    *regexp.Regexp
	names    []string // of its parameters, in order
	literal  int      // characters outside parameters
	item     *openapi3.PathItem
}

// call is a request's place in a document.
type call struct {
	route  *routers.Route
	params map[string]string
}

// parsed keeps every document read in this process: the biggest take a second.
var parsed sync.Map // file → func() (*document, error)

func read(tb testing.TB, folder, name string) *document {
	tb.Helper()
	file := filepath.Join(folder, name+".json")
	once, _ := parsed.LoadOrStore(file, sync.OnceValues(func() (*document, error) { return parse(file, name) }))
	d, err := once.(func() (*document, error))()
	if err != nil {
		tb.Fatalf("contract: %s does not name a folder with a readable %s.json: %v", Variable, name, err)
	}
	return d
}

var parameter = regexp.MustCompile(`\{([^/{}]+)\}`)

func parse(file, name string) (*document, error) {
	spec, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		return nil, err
	}
	repair(name, spec)
	d := &document{name: name, spec: spec}
	if len(spec.Servers) > 0 {
		if d.base, err = spec.Servers[0].BasePath(); err != nil {
			return nil, err
		}
	}
	for text, item := range spec.Paths.Map() {
		p := path{template: text, item: item, match: regexp.MustCompile("^" + template(text, `([^/]+)`) + "$")}
		for _, m := range parameter.FindAllStringSubmatch(text, -1) {
			p.names = append(p.names, m[1])
		}
		p.literal = len(parameter.ReplaceAllString(text, ""))
		d.paths = append(d.paths, p)
	}
	// A concrete path goes before a templated one, as OpenAPI has it.
	slices.SortFunc(d.paths, func(a, b path) int {
		if n := len(a.names) - len(b.names); n != 0 {
			return n
		}
		if n := b.literal - a.literal; n != 0 {
			return n
		}
		return strings.Compare(a.template, b.template)
	})
	return d, nil
}

// find gives the operation for a method and an escaped path below the document's base; nil if there is none.
func (d *document) find(method, escaped string) *call {
	for _, p := range d.paths {
		m := p.match.FindStringSubmatch(escaped)
		op := p.item.GetOperation(method)
		if m == nil || op == nil {
			continue
		}
		c := &call{params: map[string]string{}, route: &routers.Route{
			Spec: d.spec, Path: p.template, PathItem: p.item, Method: method, Operation: op,
		}}
		for i, name := range p.names {
			value, err := url.PathUnescape(m[i+1])
			if err != nil {
				return nil
			}
			c.params[name] = value
		}
		return c
	}
	return nil
}

// operation names a call for people: its id, or method and path where it has none.
func (c *call) operation() string {
	if id := c.route.Operation.OperationID; id != "" {
		return id
	}
	return c.route.Method + " " + c.route.Path
}
