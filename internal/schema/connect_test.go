package schema

import (
	"testing"

	"github.com/project-gimbal/fleet/internal/sim/postgres/postgrestest"
)

// A Lambda that dies must leave neither a statement running nor a lock held beyond the quiet period.
func TestConnectBoundsTheServer(t *testing.T) {
	_, url := postgrestest.Project(t)
	conn, err := connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	for setting, want := range map[string]string{"statement_timeout": "20s", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "30s"} {
		var got string
		if err := conn.QueryRow(t.Context(), "select current_setting($1::text)", setting).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, want %s: %v", setting, got, want, err)
		}
	}
}
