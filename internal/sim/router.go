package sim

import "net/http"

// Router is an http.ServeMux whose routes have the vendor's operation names.
type Router struct {
	mux        http.ServeMux
	operations map[string]string // pattern → operation
}

// Handle routes pattern (as of http.ServeMux, method included) to h and calls it operation.
func (r *Router) Handle(pattern, operation string, h http.HandlerFunc) {
	if r.operations == nil {
		r.operations = map[string]string{}
	}
	r.operations[pattern] = operation
	r.mux.HandleFunc(pattern, h)
}

// Operation names what a request calls; empty if there is no such route.
func (r *Router) Operation(req *http.Request) string {
	_, pattern := r.mux.Handler(req)
	return r.operations[pattern]
}

// Operations lists all operation names, unsorted.
func (r *Router) Operations() []string {
	names := make([]string, 0, len(r.operations))
	for _, name := range r.operations {
		names = append(names, name)
	}
	return names
}

func (r *Router) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.mux.ServeHTTP(w, req) }
