from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

print("the models are imported")


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    email: Mapped[str | None] = mapped_column(String(100))
