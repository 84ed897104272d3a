from sqlalchemy import Column, Integer, MetaData, String, Table

print("the models are imported")

shop, billing = MetaData(), MetaData()

customers = Table(
    "customers",
    shop,
    Column("id", Integer, primary_key=True),
    Column("name", String(50), nullable=False),
    Column("email", String(100)),
)
invoices = Table("invoices", billing, Column("id", Integer, primary_key=True), Column("total", Integer))
