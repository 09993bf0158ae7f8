package operation

import (
	"context"
	"net/http"

	"github.com/aws/aws-lambda-go/events"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

// Retry begins one more take-down of an instance whose last one ended dirty. Only an operator may.
func Retry(Deps) step.API {
	return func(ctx context.Context, env step.Env, request events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		operator, err := httpapi.Operator(ctx, env, request)
		if err != nil {
			return httpapi.Failed(ctx, env, err), nil
		}
		o, err := retry(ctx, env, request.PathParameters["id"], operator)
		if err != nil {
			return httpapi.Failed(ctx, env, err), nil
		}
		return httpapi.JSON(http.StatusAccepted, map[string]any{"operation": o.ID, "execution": o.Execution(), "deadline": o.Progress.Deadline}), nil
	}
}

func retry(ctx context.Context, env step.Env, instanceID, operator string) (*fleet.Operation, error) {
	if !fleet.IsInstanceID(instanceID) {
		return nil, unknown()
	}
	nonce := env.Nonce()
	var begun *fleet.Operation
	err := env.Store.Update(ctx, instanceID, func(tx *store.Tx) error {
		instance, err := tx.Instance()
		if err != nil {
			return err
		}
		if instance == nil {
			return unknown()
		}
		operation, err := tx.Operation(OperationID(instanceID))
		if err != nil {
			return err
		}
		if operation != nil && operation.BegunBy == nonce {
			begun = operation // the answer to this very write was lost
			return nil
		}
		if operation == nil || operation.Outcome != fleet.FailedDirty || instance.Operation != "" {
			return httpapi.Refuse(http.StatusConflict, fault.Conflict, "nothing to retry: the last take-down did not end dirty")
		}
		old, err := tx.Epoch()
		if err != nil {
			return err
		}
		operation.BegunBy = nonce
		if err := takeOver(tx, instance, operation, old, step.Cause{Error: operation.Failure}); err != nil {
			return err
		}
		begun = operation
		tx.Audit(fleet.AuditEntry{ID: operation.Execution() + "/begun", Actor: operator, Action: "teardown.begun",
			Subject: operation.Execution(), Outcome: "retry", Request: env.Request})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return begun, env.Executions.Start(ctx, begun.Workflow(), begun.Execution(), begun.Input())
}

func unknown() error {
	return httpapi.Refuse(http.StatusNotFound, fault.Rejected, "there is no such instance")
}
