package cli_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
)

// states serves Terraform's backend http until it is killed, and writes its address to a
// file. It stores no state where there is a file "refuse", and gives no lock where there is
// a file "held", whose content says who has it.
func states() {
	var mu sync.Mutex
	var state []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_, refused := os.Stat("refuse")
		holder, free := os.ReadFile("held")
		switch body, err := io.ReadAll(r.Body); {
		case err != nil, r.Method == http.MethodPost && refused == nil:
			w.WriteHeader(http.StatusBadRequest)
		case r.Method == "LOCK" && free == nil:
			w.WriteHeader(http.StatusLocked)
			_, _ = w.Write(holder)
		case r.Method == http.MethodPost:
			state = body
		case r.Method == http.MethodGet && state == nil:
			w.WriteHeader(http.StatusNoContent)
		case r.Method == http.MethodGet:
			_, _ = w.Write(state)
		}
	}))
	if err := os.WriteFile(os.Args[1], []byte(server.URL), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {}
}
