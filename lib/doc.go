// Package lib holds no code. It is the map of Leadlake: what each package is for,
// in the order in which they are best read.
//
// That order is also the import rule: a package imports only packages above it
// (TestPackagesImportOnlyWhatStandsAbove). One line is one idea.
//
// Words: values that everything else speaks. Pure, standard library only.
//
//	lib/money                     amounts in minor units and their currency
//	lib/identity                  phones, e-mails, names, birth dates and tokens: who a person may be
//	lib/identity/phone            the world's phone numbers, for those who need all of them
//	lib/consent                   what a person allowed, for what purpose, and since when
//	lib/event                     what happened: lead, order, stage, contact, …
//	lib/config                    the business's own file, checked against its schema
//
// In: deliveries and tables become events.
//
//	lib/webhook                   authenticates, stores, answers; one adapter for each kind of sender
//	lib/spreadsheet               CSV and XLSX as people really export them, and what their rows mean
//
// At rest: what is kept, and how it is written so that nothing is lost.
//
//	lib/schema                    the columns of every table
//	lib/objstore                  the contract of an object store, and one in memory
//	lib/objstore/storetest        the test that every store passes
//	lib/objstore/filestore        a directory as a store, durable against power loss
//	lib/objstore/s3store          S3 and what speaks like it
//	lib/objstore/s3store/s3test   a real S3 server on loopback, for tests
//	lib/lake                      raw deliveries, messages of a queue, day objects, the ledger, redrive, gold runs
//	lib/lake/columnar             the lake read as Arrow columns, large tables written by columns
//
// Made of it: the night. Pure, except that writers of files get an io.Writer.
//
//	lib/card                      orders folded, people resolved, one card for each client, how good the base is
//	lib/analytics/prediction      will a client buy again, how often, for how much
//	lib/analytics                 RFM, ABC, XYZ, cohorts, LTV, funnel, baskets, lead score, and the playbook in words
//	lib/segment                   rules and built-in segments: who belongs to which, since when, and why
//	lib/audience                  files that advertising platforms accept
//	lib/handover                  who may stand in which of those files, and the one reason why not
//
// Out, and the shell that runs it all.
//
//	lib/portal                    the pages
//	lib/pipeline                  reads the lake, calls the above, writes back
//	lib/logtest                   the tests' logger, which fails a test that logs personal data
//
// Wiring: environment, events and schedules. Nothing worth a test of its own lives in a main.
//
//	functions/internal/awsjson    SQS and the two services of secrets, without their generated clients
//	functions/internal/boot       a function's environment becomes a store, a clock, a logger, secrets
//	functions/internal/invoke     one function calls another
//	functions/internal/edge       an HTTP event of AWS becomes an http.Handler's request
//	functions/internal/runtimeapi the Lambda runtime on loopback, for tests
//	functions/internal/sqstest    a queue of SQS on loopback, for tests
//	functions/ingest              stores deliveries, or hands them to a queue
//	functions/queue               stores the deliveries of that queue, many as one object
//	functions/compact             deliveries become events, contacts and the ledger
//	functions/analytics           the night
//	functions/export              audience files
//	functions/portal              pages
//	functions/erase               forgets people, and cleans up what is past its retention
//	infra/leadlake/wiring         routes and schedules, read from template.yaml
//	infra/leadlake/demoshop       the synthetic shop that the demo posts
//	infra/leadlake                the whole system as one program
//	infra/bench                   measures what is promised in figures, against the real programs
//	infra/oracle                  the definitions of the night as SQL, and the shops they are compared on
package lib
