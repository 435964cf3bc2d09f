package record

// declared is what tables.toml declares, made from it by
//
//	tidemark tables migrate
//
// Change tables.toml, and not this.
const declared = `{"version":1,"tables":[
{"name":"customers","sql":"Customers","id":"CustomerId","columns":[
{"name":"contact_name","sql":"ContactName","type":"string","optional":true},
{"name":"company_name","sql":"CompanyName","type":"string","optional":true},
{"name":"notes","sql":"Notes","type":"string","optional":true}]},
{"name":"products","sql":"Products","id":"ProductId","columns":[
{"name":"title","sql":"Title","type":"string","optional":true},
{"name":"description","sql":"Description","type":"string","optional":true},
{"name":"price","sql":"Price","type":"number","optional":true},
{"name":"discounts","sql":"Discounts","type":"number","optional":true},
{"name":"image","sql":"Image","type":"string","optional":true}]}]}`
