package world_test

import (
	"os"
	"testing"
)

// TestFlowsKeepTheVendorsContracts says plainly whether the flows of this package ran against the vendors' documents. With
// VENDOR_SPECS set, every request that a client sends in them, and every answer that a simulator gives, is validated.
func TestFlowsKeepTheVendorsContracts(t *testing.T) {
	if os.Getenv("VENDOR_SPECS") == "" {
		t.Skip("contract tests skipped: VENDOR_SPECS names no folder with the vendors' OpenAPI documents")
	}
	inBubble(t, nil, func(r *rig) { r.wantActive(r.provision()) })
}
