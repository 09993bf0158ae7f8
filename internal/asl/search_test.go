package asl

import (
	"errors"
	"strings"
	"testing"
)

// TestSearch: what Jayway's JsonPath finds, on the document of its own examples cut down, and what AWS was seen to find.
// https://github.com/json-path/JsonPath
func TestSearch(t *testing.T) {
	const document = `{"store":{"book":[
		{"category":"reference","author":"Rees","title":"Sayings","price":8.95},
		{"category":"fiction","author":"Waugh","title":"Sword","price":12.99,"lent":null},
		{"category":"fiction","author":"Melville","title":"Moby Dick","isbn":"0-553","price":8.99},
		{"category":"fiction","author":"Tolkien","title":"Rings","isbn":"0-395","price":22.99,"tags":["long","old"]}],
		"bicycle":{"color":"red","price":19.95}},"expensive":10,"text":"x"}`
	root, err := decode([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, found string }{
		{"$.store.book[*].author", `["Rees","Waugh","Melville","Tolkien"]`},
		{"$..author", `["Rees","Waugh","Melville","Tolkien"]`},
		{"$.store.*.color", `["red"]`},
		{"$.store..price", `[8.95,12.99,8.99,22.99,19.95]`},
		{"$..book[2].title", `["Moby Dick"]`},
		{"$.store.book[-2].title", `"Moby Dick"`},
		{"$.store.book[-1]['title','price']", `{"title":"Rings","price":22.99}`},
		{"$.store.book[0,1].title", `["Sayings","Sword"]`},
		{"$.store.book[3,9,-4].title", `["Rings","Sayings"]`},
		{"$.store.book[:2].title", `["Sayings","Sword"]`},
		{"$.store.book[1:2].title", `["Sword"]`},
		{"$.store.book[-2:].title", `["Moby Dick","Rings"]`},
		{"$.store.book[2:].title", `["Moby Dick","Rings"]`},
		{"$.store.book[-9:-3].title", `["Sayings"]`},
		{"$.store.book[:-3].title", `["Sayings"]`},
		{"$.store.book[3:1]", `[]`},
		{"$.store.book[9:]", `[]`},
		{"$.store.book[?(@.isbn)].title", `["Moby Dick","Rings"]`},
		{"$.store.book[?(!@.isbn)].title", `["Sayings","Sword"]`},
		{"$.store.book[?(@.lent)].title", `["Sword"]`},
		{"$.store.book[?(@.lent == null)].title", `["Sword"]`},
		{"$.store.book[?(@.price < 10)].title", `["Sayings","Moby Dick"]`},
		{"$..book[?(@.price <= $['expensive'])].title", `["Sayings","Moby Dick"]`},
		{"$.store.book[?(@.category == 'fiction' && @.price>20 || @['author'] == \"Rees\")].title", `["Sayings","Rings"]`},
		{"$.store.book[?(@.category == 'fiction' && (@.price>20 || !(@.isbn)))].title", `["Sword","Rings"]`},
		{"$.store.book[?(@.category != 'fiction')].title", `["Sayings"]`},
		{"$.store.book[?(@.isbn != '0-395')].title", `["Sayings","Sword","Moby Dick"]`},
		{"$.store.book[?(@.author > 'R')].title", `["Sayings","Sword","Rings"]`},
		{"$.store.book[?(@.author > 5)]", `[]`},
		{"$.store.book[?(@.tags[1] == 'old')].title", `["Rings"]`},
		{"$.store.bicycle[?(@.price > 19)].color", `["red"]`},
		{"$.store['bicycle','book'][0].title", `["Sayings"]`},
		{"$.store.bicycle.*", `["red",19.95]`},
		{"$.store.bicycle['color','nothing']", `{"color":"red"}`},
		{"$.store.book[3].tags..[0]", `["long"]`},
		{"$.store.book[3].tags..*", `["long","old"]`},
		{"$..tags[*]", `["long","old"]`},
		{"$.text[*]", `[]`},
		// The way is missing: AWS finds nothing, where Jayway's fails.
		{"$.nothing[*]", `[]`},
		{"$.no.thing[1:]", `[]`},
		{"$.no.thing[1:].value", `[]`},
		{"$.text.a[*]", `[]`},
		{"$.store[0][*]", `[]`},
		// A definite path fails.
		{"$.store.book[-5]", `lost`},
		{"$.store[-1]", `lost`},
		{"$.nothing['a','b']", `lost`},
		// It isn't known what AWS finds.
		{"$.store[1:]", `unknown`},
		{"$.text[?(@.a)]", `unknown`},
		{"$.store.book[?(@.price == '8.95')]", `unknown`},
	} {
		p, err := parsePath(c.path)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		value, err := p.get(root)
		var unknown *failure
		switch {
		case isMissing(err):
			want(t, c.path, "lost", c.found)
		case errors.As(err, &unknown):
			want(t, c.path+" "+unknown.cause, "unknown", c.found)
		default:
			want(t, c.path, text(value), c.found)
		}
	}
}

// TestSearchEnds: the steps of several .. multiply, and somebody has to stop them.
func TestSearchEnds(t *testing.T) {
	p, err := parsePath("$..*..*..*..*..*")
	if err != nil {
		t.Fatal(err)
	}
	root, err := decode([]byte(strings.Repeat("[", 200) + strings.Repeat("]", 200)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.get(root)
	if f, ok := errors.AsType[*failure](err); !ok || f.name != ErrorUnsupported {
		t.Errorf("%v", err)
	}
}

// TestOrder: what is computed comes after what isn't, in the order that AWS was seen to give it.
func TestOrder(t *testing.T) {
	var names, fields []string
	for _, name := range []string{"context_object", "execution", "execution_id", "execution_input", "execution_name", "execution_rolearn",
		"execution_starttime", "state", "state_enteredtime", "state_name", "statemachine", "statemachine_id", "statemachine_name"} {
		names = append(names, name)
		fields = append(fields, `"`+name+`.$":"$"`)
	}
	want(t, "hashed", hashed(names), []string{"execution", "execution_rolearn", "execution_name", "statemachine_id", "execution_id", "execution_input",
		"execution_starttime", "state_name", "state_enteredtime", "statemachine", "state", "context_object", "statemachine_name"})
	r := runAny(t, pass(`"Parameters":{`+strings.Join(fields[:2], ",")+`,"constant":{"z":1,"a":2}}`), `0`, "", "")
	want(t, "output", string(r.Output), `{"constant":{"z":1,"a":2},"execution":0,"context_object":0}`)
}
