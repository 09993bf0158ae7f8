package trigger

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
)

// TestCallsAreBounded: a service that hangs doesn't take the whole invocation.
func TestCallsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		tr := trigger{clock: clock.System(), names: map[string]string{"admit": "fleet-admit"},
			call: func(ctx context.Context, _ *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}}
		if err := tr.invoke(t.Context(), "admit"); fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("got %v", err)
		}
		if took := time.Since(begin); took != patience {
			t.Errorf("took %v, want %v", took, patience)
		}
	})
}

func TestTrigger(t *testing.T) {
	var sent []*lambda.InvokeInput
	tr := trigger{clock: clock.System(), names: map[string]string{"admit": "fleet-admit"},
		call: func(_ context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
			sent = append(sent, in)
			return &lambda.InvokeOutput{}, nil
		}}
	if err := tr.invoke(t.Context(), "admit"); err != nil {
		t.Error(err)
	}
	if err := tr.invoke(t.Context(), "reconcile"); fault.CodeOf(err) != fault.Internal {
		t.Errorf("got %v", err)
	}
	if len(sent) != 1 || *sent[0].FunctionName != "fleet-admit" || sent[0].InvocationType != "Event" || string(sent[0].Payload) != "{}" {
		t.Errorf("sent %+v", sent)
	}
}
