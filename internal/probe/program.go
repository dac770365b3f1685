package probe

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// Lifetime ends a server whose run was lost; a longer run starts it anew.
const Lifetime = 2 * time.Hour

// Serve answers 200 to every request on the port until ctx ends, or its lifetime. The node's kubelet asks
// it: that it is answered shows that the pod's network works, whatever policies say.
// Port 0 serves nothing and waits.
func Serve(ctx context.Context, port string) error {
	ctx, cancel := context.WithTimeout(ctx, Lifetime)
	defer cancel()
	if port == "0" {
		<-ctx.Done()
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", ":"+port)
	if err != nil {
		return fmt.Errorf("listening on port %s: %w", port, err)
	}
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "stagegate-probe") }),
		ReadHeaderTimeout: 5 * time.Second,
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Stop ends the server that runs as the container's first process. Where a pod shares its
// process namespace, the first process is another's and is left alone.
func Stop() error {
	command, err := os.ReadFile("/proc/1/cmdline")
	if err != nil {
		return fmt.Errorf("reading what the first process is: %w", err)
	}
	if !bytes.Contains(command, []byte("stagegate-probe\x00serve")) {
		return errors.New("the first process is not this program: it is left alone")
	}
	return syscall.Kill(1, syscall.SIGTERM)
}

// Obey carries out the orders that it reads from in, one after another until in ends, and
// writes their results to out as JSON lines: all at once, with a last one that says so. An
// order with an interval goes on until in ends, and its results are written as they come.
func Obey(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	input, lines := json.NewDecoder(in), bufio.NewWriter(out)
	check := func(err error) {
		if err != nil {
			cancel(fmt.Errorf("writing a result: %w", err)) // nobody listens any more
		}
	}
	write := func(r Result) { check(json.NewEncoder(lines).Encode(r)) }
	for first := true; ctx.Err() == nil; first = false {
		var order Order
		if err := input.Decode(&order); !first && errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("reading the order: %w", err)
		}
		if order.Interval > 0 {
			go func() {
				_, _ = io.Copy(io.Discard, in) // its end is the sign to stop, however it ends
				cancel(nil)
			}()
			Watch(ctx, order.Targets, order.Interval, func(r Result) { write(r); check(lines.Flush()) })
			break
		}
		Run(ctx, order.Targets, write)
		write(Result{Done: true})
		check(lines.Flush())
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}
