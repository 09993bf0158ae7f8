package schema

import (
	"crypto/x509"
	_ "embed" // the certificate
	"sync"
)

// prodCA is the certificate of the authority that signs those of Supabase's poolers and databases, "Supabase Root 2021 CA", good
// until 2031-04-26. It is the one that a project's database settings offer for download, as Supabase's own command line client has
// it (github.com/supabase/cli, apps/cli-go/internal/gen/types/templates/prod-ca-2021.crt). No system trusts it by itself.
//
//go:embed prod-ca-2021.crt
var prodCA []byte

// roots are the authorities that a database's certificate may come from: no public one.
var roots = sync.OnceValue(func() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(prodCA) // an empty pool trusts nobody
	return pool
})
