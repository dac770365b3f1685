package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/internal/exitcode"
)

// verdictError ends a command whose result has been written: only the code is left to say.
type verdictError struct{ code int }

func (e verdictError) Error() string { return fmt.Sprintf("exit %d", e.code) }

// usageError is a mistake in the command line.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// withCode ends a command with the code of its result.
func withCode(code int) error {
	if code == exitcode.Pass {
		return nil
	}
	return verdictError{code}
}

// exitCode is the process's exit code for what a command returned, and the error that
// still has to be shown.
func exitCode(ctx context.Context, err error) (code int, show error) {
	var verdict verdictError
	var usage usageError
	switch {
	case err == nil:
		return exitcode.Pass, nil
	case errors.As(err, &verdict):
		return verdict.code, beside(err)
	case errors.As(err, &usage):
		return exitcode.Usage, err
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitcode.Interrupted, err
	}
	return exitcode.Error, err
}

// beside is what went wrong beside the verdict: a report that could not be written, or a
// cluster that could not be given back.
func beside(err error) error {
	if !errors.As(err, new(verdictError)) {
		return err
	}
	var rest []error
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			rest = append(rest, beside(e))
		}
	}
	return errors.Join(rest...)
}

// args makes cobra's complaint about arguments a usage error.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		if err := check(cmd, given); err != nil {
			return usagef("%w\nusage: %s", err, cmd.UseLine())
		}
		return nil
	}
}
